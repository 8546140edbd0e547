/// How a register's bits are a value.
package enum Coding: Sendable {
  /// Divided by 10 to the power of `decimals`.
  case unsigned(decimals: Int = 0)
  /// Two's complement.
  case signed(decimals: Int = 0)
  /// Signed, and which way is positive depends on the family: a factor for each. One that is not listed keeps the register's sign,
  /// and the readings say so.
  case signedByVariant(decimals: Int, [String: Int])
  /// Two words, the high one first.
  case unsigned32(decimals: Int = 0)
  /// Some bits of the word.
  case bits(Range<Int>)
  /// Eight bits of the word: the highest is the sign, the others the magnitude.
  case signMagnitude(Range<Int>)
  /// One bit, counted from the lowest: `on` or `off`.
  case flag(Int)
  /// The low byte names a state.
  case state([UInt8: String])
  /// Bits over that many words, counted from the lowest of the last: each names what is wrong.
  case faults(words: Int, [Int: String])
  /// Words that each hold the number of what is wrong, or 0.
  case codes(words: Int, [UInt16: String])
  /// Two bits for each of these, the first in the lowest: 0 well, 1 low, 2 high, 3 otherwise wrong. A `nil` is reserved.
  case levels(words: Int, [String?])
  /// ASCII over that many words, padded with spaces or NULs.
  case text(words: Int)
  /// Two hexadecimal digits a byte.
  case hex(words: Int)
  /// Two words: the last three of four bytes are `1.2.3`.
  case version
  /// Two bytes, the low one first, though all others have the high one first.
  case swapped
  /// Raw 100 and more is in units of 0.001, less in units of 0.1.
  case cellVoltage
  /// Of a frame that is pushed: bytes from `byte`, the high one first.
  case pushed(byte: Int, bytes: Int, isSigned: Bool, decimals: Int)
  /// Computed from others.
  case derived(decimals: Int)

  /// Registers that it takes.
  package var words: Int {
    switch self {
    case .unsigned, .signed, .signedByVariant, .bits, .signMagnitude, .flag, .state, .swapped, .cellVoltage: 1
    case .unsigned32, .version: 2
    case .faults(let words, _), .codes(let words, _), .levels(let words, _), .text(let words), .hex(let words): words
    case .pushed, .derived: 0
    }
  }

  /// Digits after the point.
  package var decimals: Int {
    switch self {
    case .unsigned(let decimals), .signed(let decimals), .signedByVariant(let decimals, _), .unsigned32(let decimals),
      .derived(let decimals), .pushed(_, _, _, let decimals):
      decimals
    case .cellVoltage: 3
    default: 0
    }
  }

  /// The words that it can be, where they are few.
  package var options: [String] {
    switch self {
    case .flag: ["off", "on"]
    case .state(let states):
      states.sorted { $0.key < $1.key }.map(\.value).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    default: []
    }
  }

  /// A bit: `on` or `off`.
  package var isFlag: Bool { if case .flag = self { true } else { false } }

  enum Value {
    case number(Int, decimals: Int, hasRawSign: Bool = false)
    case text(String)
    case names([String])
    case missing
    case implausible
  }

  func decode(_ raw: [UInt16], variant: String?) -> Value {
    let word = raw[0]
    switch self {
    case .unsigned(let decimals): return .number(Int(word), decimals: decimals)
    case .signed(let decimals): return .number(Int(Int16(bitPattern: word)), decimals: decimals)
    case .signedByVariant(let decimals, let factors):
      let factor = variant.flatMap { factors[$0] }
      return .number(Int(Int16(bitPattern: word)) * (factor ?? 1), decimals: decimals, hasRawSign: factor == nil)
    case .unsigned32(let decimals): return .number(Int(raw[0]) << 16 | Int(raw[1]), decimals: decimals)
    case .bits(let range): return .number(Self.bits(range, of: word), decimals: 0)
    case .signMagnitude(let range):
      let byte = Self.bits(range, of: word)
      return .number(byte & 0x80 == 0 ? byte : -(byte & 0x7F), decimals: 0)
    case .flag(let bit): return .text(word >> bit & 1 == 1 ? "on" : "off")
    case .state(let states): return states[UInt8(word & 0xFF)].map { .text($0) } ?? .implausible
    case .faults(_, let names):
      let value = raw.reduce(0) { $0 << 16 | UInt64($1) }
      return .names(names.filter { value >> UInt64($0.key) & 1 == 1 }.sorted { $0.key > $1.key }.map(\.value))
    case .codes(_, let names):
      return .names(raw.filter { $0 != 0 }.map { names[$0] ?? "code \($0)" })
    case .levels(_, let names): return .names(Self.levels(raw, names))
    case .text: return Self.text(raw)
    case .hex: return .text(raw.map { hexadecimal($0) }.joined())
    case .version:
      return .text("\(raw[0] & 0xFF).\(raw[1] >> 8).\(raw[1] & 0xFF)")
    case .swapped: return .number(Int(word.byteSwapped), decimals: 0)
    case .cellVoltage: return word >= 100 ? .number(Int(word), decimals: 3) : .number(Int(word), decimals: 1)
    case .pushed, .derived: return .missing
    }
  }

  private static func bits(_ range: Range<Int>, of word: UInt16) -> Int { Int(word) >> range.lowerBound & (1 << range.count - 1) }

  private static func levels(_ raw: [UInt16], _ names: [String?]) -> [String] {
    let value = raw.reduce(0) { $0 << 16 | UInt64($1) }
    return names.enumerated().compactMap { index, name in
      let level = Int(value >> UInt64(index * 2) & 3)
      guard level > 0, let name else { return nil }
      return "\(name) \(["low", "high", "wrong"][level - 1])"
    }
  }

  private static func text(_ raw: [UInt16]) -> Value {
    let bytes = raw.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    let padding: Set<UInt8> = [0, 0x20, 0xFF]
    guard let first = bytes.firstIndex(where: { !padding.contains($0) }),
      let last = bytes.lastIndex(where: { !padding.contains($0) })
    else { return .missing }
    let text = bytes[first...last]
    guard text.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return .implausible }
    return .text(String(decoding: text, as: UTF8.self))
  }

}

private func hexadecimal(_ word: UInt16) -> String {
  let digits = String(word, radix: 16, uppercase: true)
  return String(repeating: "0", count: 4 - digits.count) + digits
}

extension Coding {
  /// Whether its raw words are two's complement.
  package var isSigned: Bool {
    switch self {
    case .signed, .signedByVariant: true
    default: false
    }
  }
}
