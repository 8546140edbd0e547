package import Readings

/// One line of a device's manual: which register, how it is coded, what it means.
package struct Field: Sendable {
  /// How the register's bits are a value.
  package enum Coding: Sendable {
    /// Divided by 10 to the power of `decimals`.
    case unsigned(decimals: Int = 0)
    case signed(decimals: Int = 0)
    /// Signed, and which way is positive depends on the model: the factor by model prefix. A model that is not listed keeps the
    /// register's sign, and the readings say so.
    case signedByModel(decimals: Int, [String: Double])
    /// The low byte names a state.
    case state([UInt8: String])
    /// ASCII over that many words, padded with spaces or NULs.
    case text(words: Int)
  }

  package var key: String
  /// For people.
  package var name: String
  package var register: UInt16
  package var coding: Coding
  package var unit: String?
  /// Outside of it the value is not believed: missing, and counted.
  package var plausible: ClosedRange<Double>?

  package init(
    _ register: UInt16, _ key: String, _ name: String, _ coding: Coding, _ unit: String? = nil,
    within plausible: ClosedRange<Double>? = nil
  ) {
    self.register = register
    self.key = key
    self.name = name
    self.coding = coding
    self.unit = unit
    self.plausible = plausible
  }

  package var words: Int { if case .text(let words) = coding { words } else { 1 } }

  /// Digits after the point that the register has.
  package var decimals: Int {
    switch coding {
    case .unsigned(let decimals), .signed(let decimals), .signedByModel(let decimals, _): decimals
    case .state, .text: 0
    }
  }

  package enum Decoded: Equatable, Sendable {
    case reading(Reading, hasRawSign: Bool = false)
    /// The register says "not supported", or holds an empty text.
    case missing
    case implausible
  }

  /// The value of this field in its own words (`words` of them).
  package func decode(_ raw: ArraySlice<UInt16>, model: String?) -> Decoded {
    guard raw.count == words, let word = raw.first else { return .missing }
    switch coding {
    case .text:
      let bytes = raw.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
      let padding: Set<UInt8> = [0, 0x20, 0xFF]
      guard let first = bytes.firstIndex(where: { !padding.contains($0) }),
        let last = bytes.lastIndex(where: { !padding.contains($0) })
      else { return .missing }
      let text = bytes[first...last]
      guard text.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return .implausible }
      return .reading(Reading(.text(String(decoding: text, as: UTF8.self))))
    case .state(let states):
      guard word != 0xFFFF else { return .missing }
      return states[UInt8(word & 0xFF)].map { .reading(Reading(.text($0))) } ?? .implausible
    case .unsigned(let decimals):
      guard word != 0xFFFF else { return .missing }
      return number(Int(word), decimals: decimals)
    // 0xFFFF says "not supported" in signed registers too (the vendor's Inverter Modbus V1.8): a true -0.1 is missing for a poll.
    case .signed(let decimals):
      guard word != 0x8000, word != 0xFFFF else { return .missing }
      return number(Int(Int16(bitPattern: word)), decimals: decimals)
    case .signedByModel(let decimals, let factors):
      guard word != 0x8000, word != 0xFFFF else { return .missing }
      let factor = model.flatMap { model in factors.first { model.hasPrefix($0.key) }?.value }
      let raw = Int(Int16(bitPattern: word))
      return number(factor == -1 ? -raw : raw, decimals: decimals, hasRawSign: factor == nil)
    }
  }

  private func number(_ raw: Int, decimals: Int, hasRawSign: Bool = false) -> Decoded {
    // One division by a power of ten gives the double that prints with the register's own digits.
    let value = decimals == 0 ? Double(raw) : Double(raw) / [1, 10, 100, 1000][decimals]
    if let plausible, !plausible.contains(value) { return .implausible }
    return .reading(Reading(.number(value), unit: unit), hasRawSign: hasRawSign)
  }
}
