extension Registers {
  /// By the name that a set-up gives.
  package static let models: [String: Registers] = Dictionary(
    uniqueKeysWithValues: (inverters + controllers + dcdcs + batteries).map { ($0.model, $0) })

  /// Two characters a word, padded with NUL as most devices do, or with another character.
  static func ascii(_ text: String, words: Int, padding: UInt8 = 0) -> [UInt16] {
    let bytes = Array(text.utf8) + [UInt8](repeating: padding, count: words * 2)
    return (0..<words).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
  }

  /// 32 bits, high word first.
  static func long(_ number: UInt32) -> [UInt16] { [UInt16(number >> 16), UInt16(number & 0xffff)] }

  static func joined(_ parts: [UInt16]...) -> [UInt16] { parts.flatMap { $0 } }

  init(model: String, blocks: [Block], also more: [Block], days: Pages? = nil) {
    self.init(model: model, blocks: blocks + more, days: days)
  }
}
