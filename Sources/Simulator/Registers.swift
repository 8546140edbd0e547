/// The registers of one simulated device, in blocks that say where their words come from.
package struct Registers: Equatable, Sendable {
  package enum Origin: Equatable, Sendable {
    /// The beginning of a real frame that was cut in its source; the rest is plausible.
    case captureInPart(id: String, source: String)
    /// The words of a real frame: its id among our frames, and the repository that published it.
    case capture(id: String, source: String)
    /// Plausible words by the vendor's register table; only these may move.
    case table
  }

  package struct Block: Equatable, Sendable {
    package let first: UInt16
    package let origin: Origin
    package let words: [UInt16]
    /// Registers of a table block that wander by a few counts in a demo.
    package var moving: Set<UInt16> = []
  }

  package var model: String
  package var blocks: [Block]
  /// A device's own record: a read that begins at `dayRegister` + n, of ten words, is of the day n days ago.
  var days: [[UInt16]] = []
  static let dayRegister: UInt16 = 0xF000
  /// A read that begins here is not answered at all.
  var mute: Set<UInt16> = []
  /// What a device that speaks no Modbus pushes.
  package internal(set) var frame: [UInt8]?

  /// The `count`th frame. Every fifth is of history, which readers pass over.
  func pushed(_ count: Int, varied now: Duration?) -> [UInt8] {
    guard var frame else { return [] }
    if count % 5 == 4 { frame[3] = 0x0b }
    // The charge's last digits, and the current's.
    if let now { frame[23] = UInt8(truncatingIfNeeded: Int(frame[23]) + Int(Self.wander(1, now))) }
    return frame
  }

  /// Any run of known registers, across blocks too; `nil` where one of them is not known.
  func read(_ register: UInt16, count: Int, varied now: Duration?) -> [UInt16]? {
    let day = Int(register) - Int(Self.dayRegister)
    if days.indices.contains(day), count == days[day].count { return days[day] }
    var words: [UInt16] = []
    for address in Int(register)..<Int(register) + count {
      guard let word = word(address, varied: now) else { return nil }
      words.append(word)
    }
    return words
  }

  private func word(_ address: Int, varied now: Duration?) -> UInt16? {
    for block in blocks {
      let index = address - Int(block.first)
      guard block.words.indices.contains(index) else { continue }
      guard let now, block.moving.contains(UInt16(address)) else { return block.words[index] }
      return block.words[index] &+ UInt16(bitPattern: Self.wander(address, now))
    }
    return nil
  }

  /// A slow small wave, different for each register.
  private static func wander(_ address: Int, _ now: Duration) -> Int16 {
    let wave: [Int16] = [0, 1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1]
    return wave[(Int(now.components.seconds / 10) + address) % wave.count]
  }
}
