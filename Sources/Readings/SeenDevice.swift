import FoundationEssentials

/// A device that a scan heard.
package struct SeenDevice: Equatable, Sendable {
  package var address: Address
  /// As advertised, without the padding that Renogy's modules have.
  package var name: String?
  /// dBm.
  package var rssi: Int?
  /// The adapter that heard it, e.g. `hci0`.
  package var adapter: String
  /// The profile that its name tells, where it tells one.
  package var profile: String?
  /// Whether its name is one of Renogy's.
  package var isRenogy: Bool

  package init(address: Address, name: String?, rssi: Int?, adapter: String, profile: String?, isRenogy: Bool) {
    self.address = address
    self.name = name
    self.rssi = rssi
    self.adapter = adapter
    self.profile = profile
    self.isRenogy = isRenogy
  }
}

extension SeenDevice: Codable {
  private enum CodingKeys: String, CodingKey {
    case address, name, rssi, adapter, profile
    case isRenogy = "renogy"
  }
}
