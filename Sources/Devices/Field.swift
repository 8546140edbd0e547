package import Readings

/// One line of a device's manual: which register, how it is coded, what it means, and who says so.
package struct Field: Sendable {
  /// How sure the line is.
  package enum Proof: String, Sendable {
    /// A captured frame shows it.
    case proved
    /// Only the vendor's document says it.
    case document
    /// A public project's code does.
    case claimed
    /// Computed from others of the same poll.
    case derived
  }

  package var key: String
  /// For people.
  package var name: String
  /// `nil`: computed from others.
  package var register: UInt16?
  package var coding: Coding
  package var quantity: Quantity
  /// Outside of it the value is not believed: missing, and counted.
  package var plausible: ClosedRange<Double>?
  /// Words that say "not supported", where all of the field's are one of them.
  package var absent: Set<UInt16> = []
  /// Families within the profile that the line is for; `nil`: all.
  package var variants: Set<String>?
  /// The register that counts how many of such fields there are, and which of them this is.
  package var counted: (by: UInt16, number: Int)?
  /// Of names of what is wrong: where it is not read, the others of its key can still say that there are none.
  package var isSupplement = false
  package var source: String
  package var proof: Proof

  package init(
    _ register: UInt16, _ key: String, _ name: String, _ coding: Coding, _ quantity: Quantity,
    within plausible: ClosedRange<Double>? = nil, of variants: Set<String>? = nil, counted: (by: UInt16, number: Int)? = nil,
    _ source: String, _ proof: Proof = .proved
  ) {
    self.register = register
    self.key = key
    self.name = name
    self.coding = coding
    self.quantity = quantity
    self.plausible = plausible
    self.variants = variants
    self.counted = counted
    self.source = source
    self.proof = proof
  }

  /// One that is computed.
  package init(
    derived key: String, _ name: String, decimals: Int = 0, _ quantity: Quantity, within plausible: ClosedRange<Double>? = nil,
    _ formula: String
  ) {
    self.key = key
    self.name = name
    coding = .derived(decimals: decimals)
    self.quantity = quantity
    self.plausible = plausible
    source = formula
    proof = .derived
  }

  /// The same, saying nothing of its own where the others of its key say that nothing is wrong.
  package var supplement: Field {
    var field = self
    field.isSupplement = true
    return field
  }

  package var unit: String? { quantity.unit }

  /// Digits after the point.
  package var decimals: Int { coding.decimals }

  package enum Decoded: Equatable, Sendable {
    case reading(Reading, hasRawSign: Bool = false)
    /// Names of what is wrong, some of perhaps several fields' with the same key.
    case names([String])
    /// The register says "not supported", or holds an empty text.
    case missing
    case implausible
  }

  /// The value of this field in its own words (`coding.words` of them).
  package func decode(_ raw: ArraySlice<UInt16>, variant: String?) -> Decoded {
    guard raw.count == coding.words, raw.count > 0 else { return .missing }
    if !absent.isEmpty, raw.allSatisfy(absent.contains) { return .missing }
    var raw = raw
    switch coding {
    // A bit of a word that says "not supported" is none; among codes it is no code.
    case .faults where raw.contains(where: absent.contains): return .missing
    case .codes: raw = raw.map { absent.contains($0) ? 0 : $0 }[...]
    default: break
    }
    switch coding.decode(Array(raw), variant: variant) {
    case .number(let raw, let decimals, let hasRawSign): return number(raw, decimals: decimals, hasRawSign: hasRawSign)
    case .text(let text): return .reading(Reading(.text(text)))
    case .names(let names): return .names(names)
    case .missing: return .missing
    case .implausible: return .implausible
    }
  }

  private func number(_ raw: Int, decimals: Int, hasRawSign: Bool) -> Decoded {
    // One division by a power of ten gives the double that prints with the register's own digits.
    let value = decimals == 0 ? Double(raw) : Double(raw) / [1, 10, 100, 1000][decimals]
    if let plausible, !plausible.contains(value) { return .implausible }
    return .reading(Reading(.number(value), unit: unit), hasRawSign: hasRawSign)
  }
}
