import Chance
import Testing

@testable import Store

@Suite struct PackingTests {
  private func column(_ bytes: [UInt8], _ count: Int) throws -> [Int64] {
    var unpacking = try Unpacking(sealed: bytes)
    return try unpacking.column(count)
  }

  @Test(arguments: [
    [], [0], [7, 7, 7, 7], [Int64.min, Int64.max, 0, -1, 1], [524, 523, 524, 524, 524, 0, 0, -12_000],
  ])
  func `a column comes out as it went in`(numbers: [Int64]) throws {
    var packing = Packing()
    packing.put(column: numbers)
    #expect(try column(packing.sealed, numbers.count) == numbers)
  }

  @Test func `what does not change costs three bytes, however long`() {
    var packing = Packing()
    packing.put(column: Array(repeating: 0, count: 100))
    #expect(packing.bytes == [0, 100])
    packing = Packing()
    packing.put(column: Array(repeating: 5, count: 100))
    #expect(packing.bytes == [10, 0, 99])
  }

  @Test func `every byte that is another one, and every end that is missing, is seen`() throws {
    var packing = Packing()
    packing.put(column: (0..<40).map { Int64($0 * $0) })
    let sealed = packing.sealed
    for index in sealed.indices {
      var damaged = sealed
      damaged[index] ^= 0x10
      #expect(throws: Unpacking.Damage.self) { try Unpacking(sealed: damaged) }
      #expect(throws: Unpacking.Damage.self) { try Unpacking(sealed: Array(sealed[..<index])) }
    }
  }

  /// Somebody may have computed the sum of them.
  @Test func `random bytes with a right sum are an error or a number, never a crash`() {
    var dice = Dice(seed: 3)
    for _ in 0..<2000 {
      var packing = Packing()
      for _ in 0..<dice.roll(0...60) { packing.put(byte: UInt8(dice.roll(0...255))) }
      let sealed = packing.sealed
      for count in [0, 1, 50] {
        if let column = try? column(sealed, count) { #expect(column.count == count) }
      }
      _ = try? HistoryChunk(packed: sealed)
      _ = try? HistoryQuarter(packed: sealed, keys: [1])
    }
  }
}
