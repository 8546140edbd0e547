import Readings
import Testing

@testable import Store

/// Time and polls for tests of the history: second 0 is 2026-01-01T00:00:00Z.
struct HistoryDesk {
  static let epoch: Int64 = 1_767_225_600_000
  let origin = ContinuousClock.now
  var isSynchronised = true
  /// How wrong the wall clock is.
  var errorMs: Int64 = 0

  func clock(_ second: Int) -> HistoryClock {
    HistoryClock(
      instant: origin + .seconds(second), wallMs: Self.epoch + Int64(second) * 1000 + errorMs, isSynchronised: isSynchronised)
  }

  func read(
    _ second: Int, _ name: String = "Inverter", _ readings: [String: Reading] = [:], derived: Set<String> = [],
    rawSign: Set<String> = []
  ) -> HistoryEntry {
    var entry = entry(second, name, readings, failure: nil)
    (entry.derived, entry.rawSign) = (derived, rawSign)
    return entry
  }

  func failed(_ second: Int, _ name: String = "Inverter", _ failure: String = "silent") -> HistoryEntry {
    entry(second, name, [:], failure: HistoryFailure(name: failure, stage: "read"))
  }

  private func entry(_ second: Int, _ name: String, _ readings: [String: Reading], failure: HistoryFailure?) -> HistoryEntry {
    HistoryEntry(
      device: HistoryEntry.Device(name: name, address: "address of \(name)", unit: nil, isSimulated: name.hasPrefix("Sim")),
      at: origin + .seconds(second), failure: failure, connectMs: failure == nil ? 900 : nil, pollMs: 4000,
      deadline: .seconds(failure == nil ? 25 : 40), readings: readings)
  }
}

@Suite struct HistoryTailTests {
  private func seconds(_ tail: HistoryTail) -> [Int64] { tail.rows.map { ($0.start - HistoryDesk.epoch) / 1000 } }

  @Test func `polls of one device share a row until the quarter of an hour is over`() {
    let desk = HistoryDesk()
    var tail = HistoryTail()
    tail.take([desk.read(600), desk.read(630, "Other"), desk.read(660)], desk.clock(700))
    #expect(tail.rows.map(\.entries.count) == [2, 1] && tail.rows.map(\.isOpen) == [true, true])
    tail.noteSaved()
    #expect(tail.rows.filter(\.needsSave) == [])
    tail.take([desk.read(890), desk.read(910)], desk.clock(950))
    #expect(tail.rows.map(\.entries.count) == [3, 1, 1])
    #expect(tail.rows.map(\.isOpen) == [false, false, true])
    #expect(tail.rows.map(\.id) == [1, 2, 3])
    tail.noteSaved()
    #expect(tail.rows.map(\.id) == [3])
  }

  @Test func `of a row that is in the file, only what is not is dropped, and it is closed there`() throws {
    let desk = HistoryDesk()
    var tail = HistoryTail()
    tail.take([desk.read(0), desk.read(1)], desk.clock(2))
    tail.noteSaved()
    tail.take([desk.read(3)], desk.clock(4))
    let others = HistoryTail.maxPolls
    tail.take((0..<others).map { desk.read(5 + $0 / 100, "Other \($0 % 100)") }, desk.clock(60))
    let row = try #require(tail.rows.first { $0.id == 1 })
    #expect(row.entries.count == 2 && !row.isOpen && row.needsSave)
    #expect(tail.rows.reduce(0) { $0 + $1.unsaved } == others)
    var told = tail
    #expect(told.takeDropped() == 1)
  }

  @Test func `a clock that was set since begins another row, and what waits is reckoned by the new time`() {
    var desk = HistoryDesk()
    desk.errorMs = -HistoryDesk.epoch
    desk.isSynchronised = false
    var tail = HistoryTail()
    tail.take([desk.read(0), desk.read(30)], desk.clock(40))
    #expect(seconds(tail) == [-HistoryDesk.epoch / 1000] && tail.rows.map(\.isTrusted) == [false])
    tail.noteSaved()
    // Both were read while it was 1970; by the time that they are written the clock is right.
    let waiting = [desk.read(60), desk.read(90)]
    desk.errorMs = 0
    desk.isSynchronised = true
    tail.take(waiting, desk.clock(100))
    #expect(seconds(tail) == [-HistoryDesk.epoch / 1000, 60])
    #expect(tail.rows.map(\.isTrusted) == [false, true] && tail.rows.map(\.isOpen) == [false, true])
    #expect(tail.rows.map(\.entries.count) == [2, 2])
  }

  @Test func `a clock that is kept right by some milliseconds begins none`() {
    var desk = HistoryDesk()
    var tail = HistoryTail()
    tail.take([desk.read(0)], desk.clock(10))
    desk.errorMs = 400
    tail.take([desk.read(30)], desk.clock(40))
    #expect(tail.rows.map(\.entries.count) == [2])
    #expect(tail.rows[0].offset(of: tail.rows[0].entries[1]) == 30_000)
  }

  @Test func `without a disk the last 2,000 polls are kept, and what was dropped is counted once`() {
    let desk = HistoryDesk()
    var tail = HistoryTail()
    for second in stride(from: 0, to: 90_000, by: 30) { tail.take([desk.read(second)], desk.clock(second)) }
    let kept = tail.rows.reduce(0) { $0 + $1.entries.count }
    #expect(kept <= 2000 && kept > 1950)
    #expect(tail.takeDropped() == 3000 - kept)
    #expect(tail.takeDropped() == 0)
    #expect(tail.rows.last?.entries.last == desk.read(89_970))
  }
}
