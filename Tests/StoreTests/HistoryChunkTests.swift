import Chance
import Testing

@testable import Store

@Suite struct HistoryChunkTests {
  private static func poll(_ offset: Int64, _ values: [Int64: HistoryChunk.Value], failure: Int64 = 0) -> HistoryChunk.Poll {
    HistoryChunk.Poll(
      offset: offset, failure: failure, stage: failure == 0 ? 0 : 2, connectMs: failure == 0 ? 812 : nil, pollMs: 4031,
      deadlineMs: 25_000, values: values)
  }

  @Test func `polls come out as they went in: numbers with their digits, words, what is missing, what failed`() throws {
    let chunk = HistoryChunk(polls: [
      Self.poll(0, [1: .number(52.4), 2: .number(-0.03), 3: .word(9), 4: .number(1.0 / 3), 5: .number(12_345_678)]),
      Self.poll(30_011, [:], failure: 1),
      Self.poll(60_004, [1: .number(52.5), 3: .word(10), 4: .number(0.1)]),
    ])
    #expect(try HistoryChunk(packed: chunk.packed) == chunk)
    let part = try HistoryChunk(packed: chunk.packed, keys: [1])
    #expect(part.polls.map(\.values) == [[1: .number(52.4)], [:], [1: .number(52.5)]])
  }

  @Test func `a register's number of any scale is exact`() throws {
    var dice = Dice(seed: 5)
    for decimals in [1.0, 10, 100, 1000] {
      let polls = (0..<200).map { Self.poll(Int64($0), [1: .number(Double(dice.roll(-70_000...70_000)) / decimals)]) }
      #expect(try HistoryChunk(packed: HistoryChunk(polls: polls).packed).polls == polls)
    }
  }

  @Test func `a key that does not change costs some bytes, not some a poll`() {
    let one = HistoryChunk(polls: (0..<30).map { Self.poll($0 * 30_000, [1: .number(52.4)]) }).packed.count
    let two = HistoryChunk(polls: (0..<30).map { Self.poll($0 * 30_000, [1: .number(52.4), 2: .number(13)]) }).packed.count
    #expect(two - one < 12)
  }

  @Test func `what is no number is in no quarter`() throws {
    let quarter = HistoryQuarter(
      of: [5, 6, .nan, .infinity].map { HistoryChunk.Poll(offset: 0, pollMs: 1, deadlineMs: 1, values: [1: .number($0)]) })
    #expect(
      try HistoryQuarter(packed: quarter.packed, keys: [1]).numbers
        == [1: HistoryQuarter.Numbers(count: 2, min: 5, max: 6, mean: 5.5)])
  }

  @Test func `a quarter is what its polls come to, and is kept as exact`() throws {
    let quarter = HistoryQuarter(of: [
      Self.poll(0, [1: .number(52.4), 3: .word(9)]), Self.poll(30_000, [1: .number(52.6)]), Self.poll(60_000, [:], failure: 7),
      Self.poll(90_000, [1: .number(52.4), 2: .number(5)]),
    ])
    #expect(quarter.good == 3 && quarter.failed == [7: 1] && quarter.polls == 4)
    #expect(quarter.connects == (3, 2436) && quarter.pollMsSum == 16_124 && quarter.deadlineMs == 25_000)
    let voltage = try #require(quarter.numbers[1])
    #expect((voltage.min, voltage.max, voltage.count) == (52.4, 52.6, 3))
    #expect(abs(voltage.mean - 52.466_666) < 1e-4)
    let read = try HistoryQuarter(packed: quarter.packed, keys: [1, 2])
    #expect(read.numbers[1] == HistoryQuarter.Numbers(count: 3, min: 52.4, max: 52.6, mean: 52.467))
    #expect(read.numbers[2] == HistoryQuarter.Numbers(count: 1, min: 5, max: 5, mean: 5))
    #expect(read.failed == [7: 1] && read.connects == (3, 2436))
    #expect(try HistoryQuarter(packed: quarter.packed, keys: []).numbers == [:])
  }

  @Test func `quarters begin at the quarter, also before 1970`() {
    let quarter = HistoryQuarter.lengthMs
    #expect([0, 1, quarter - 1, quarter, -1, -quarter].map(HistoryQuarter.begin) == [0, 0, 0, quarter, -quarter, -quarter])
  }
}
