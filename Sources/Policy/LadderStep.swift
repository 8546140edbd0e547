package import FoundationEssentials
package import Readings

/// A step of the recovery ladder that was taken, for people to see.
package struct LadderStep: Equatable, Sendable {
  package enum Name: String, Codable, Sendable, CaseIterable {
    /// A second worker freed, or tried to free, the link that one may have left.
    case release
    /// What was learned of the module is found out anew.
    case learnAnew = "learn_anew"
    /// bluetoothd was made to forget the module and look for it anew.
    case forget
    /// The module was left to the program that takes it again and again.
    case leaveAlone = "leave_alone"
    /// The adapter was switched off and on.
    case resetAdapter = "reset_adapter"
    /// The module is polled as rarely as ever.
    case slowest
  }

  package var name: Name
  package var address: Address?
  package var adapter: String?
  package var at: Date

  package init(_ name: Name, address: Address? = nil, adapter: String? = nil, at: Date) {
    self.name = name
    self.address = address
    self.adapter = adapter
    self.at = at
  }

  /// How many are kept.
  package static let kept = 50
}

extension LadderStep: Codable {
  private enum Key: String, CodingKey { case name, address, adapter, at }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    name = try fields.decode(Name.self, forKey: .name)
    address = try fields.decodeIfPresent(Address.self, forKey: .address)
    adapter = try fields.decodeIfPresent(String.self, forKey: .adapter)
    at = try Date(rfc3339: try fields.decode(String.self, forKey: .at))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(address, forKey: .address)
    try fields.encode(adapter, forKey: .adapter)
    try fields.encode(at.rfc3339, forKey: .at)
  }
}
