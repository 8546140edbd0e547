/// The registers of one simulated device, in blocks that say where their words come from.
package struct Registers: Equatable, Sendable {
  package enum Origin: Equatable, Sendable {
    /// The words of a real frame: its id among our frames, and the repository that published it.
    case capture(id: String, source: String)
    /// The beginning of one whose rest was not kept.
    case partial(id: String, source: String)
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

  /// A record that is asked for by page, by the table: a read that begins at `first` + n is of page n, and of nothing behind it.
  package struct Pages: Equatable, Sendable {
    package let first: UInt16
    package let pages: [[UInt16]]

    func read(_ register: UInt16, count: Int) -> [UInt16]? {
      guard register >= first, Int(register - first) < pages.count, case let page = pages[Int(register - first)],
        count <= page.count
      else { return nil }
      return Array(page.prefix(count))
    }
  }

  package var model: String
  package var blocks: [Block]
  package var days: Pages?
  /// A read that begins at one of these is not answered at all.
  package var silences: Set<UInt16> = []

  /// A captured frame where it is asked for as it was; else any run of known registers, across blocks too. `nil` where one of them
  /// is not known.
  func read(_ register: UInt16, count: Int, varied now: Duration?) -> [UInt16]? {
    // Two captures of the same registers may be of different moments.
    if let frame = blocks.first(where: { $0.origin != .table && $0.first == register && $0.words.count == count }) {
      return frame.words
    }
    let words = (Int(register)..<Int(register) + count).map { word($0, varied: now) }
    if !words.contains(nil) { return words.compactMap(\.self) }
    return days?.read(register, count: count)
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
  static func wander(_ address: Int, _ now: Duration) -> Int16 {
    let wave: [Int16] = [0, 1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1]
    return wave[(Int(now.components.seconds / 10) + address) % wave.count]
  }
}
