import Readings

/// What the name that a module advertises tells. `BT-TH-` does not tell the device: any dongle has it.
package struct AdvertisedName: Equatable, Sendable {
  /// Without the padding that many modules have.
  package var text: String
  package var isRenogy: Bool
  /// The profile's name, where the name tells it.
  package var profile: String?
  /// What of it may be shown to others: the family's prefix, without the serial number or the address that follows. `?`: of no
  /// family, which tells something, too.
  package var mask: String

  /// Prefixes as seen in captures and public projects.
  private static let families: [(prefix: String, profile: String?)] = [
    ("BTRIC", "inverter"), ("RNGRIU", "inverter"), ("RTMShunt300", "shunt300"), ("RNGPRO", "battery"),
    ("RNGRBP", "battery"), ("RNGC", "battery"), ("BT-TH-", nil),
  ]

  /// What is fit to be sent on of a name from the air; `nil` where that is nothing.
  package static func fit(_ advertised: String) -> String? {
    let text = AdvertisedName(String(advertised.prefix { $0 != "\0" })).text
    return text.isEmpty ? nil : text
  }

  package init(_ advertised: String) {
    // From the air: nothing that a terminal obeys, and no more than a configuration's name may have.
    let printable = Printable.text(advertised, maxBytes: Wire.maxNameBytes)
    let text = printable.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    let family = Self.families.first { text.hasPrefix($0.prefix) }
    self.text = text
    isRenogy = family != nil
    profile = family?.profile
    mask = family?.prefix ?? "?"
  }
}
