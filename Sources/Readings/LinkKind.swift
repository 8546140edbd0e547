/// What carries a poll to its module.
package enum LinkKind: String, Codable, CaseIterable, Sendable {
  /// The kernel's own attribute channel: it dies with its process.
  case kernel
  /// bluetoothd, over D-Bus.
  case bluez
}

/// Which of the two a poll shall use.
package enum LinkChoice: String, Codable, CaseIterable, Sendable {
  /// The kernel's where this process may have Bluetooth sockets, else bluetoothd's.
  case auto
  case kernel
  case bluez
}

/// What a poll by the kernel's link found out about a module, worth remembering for the next one.
package struct Learned: Equatable, Sendable, Codable {
  /// As which it answered.
  package var addressType: AddressType?
  /// By which it answered, where the request left the choice open and bluetoothd listed the module under one.
  package var adapter: String?
  package var handles: SerialHandles?
  /// As it advertises itself, without padding.
  package var name: String?

  package init(
    addressType: AddressType? = nil, adapter: String? = nil, handles: SerialHandles? = nil, name: String? = nil
  ) {
    self.addressType = addressType
    self.adapter = adapter
    self.handles = handles
    self.name = name
  }

  /// The same, and its name.
  package func named(_ name: String) -> Learned {
    var learned = self
    learned.name = name
    return learned
  }

  private enum CodingKeys: String, CodingKey {
    case adapter, handles, name
    case addressType = "address_type"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    addressType = try fields.decodeIfPresent(AddressType.self, forKey: .addressType)
    adapter = try Module.adapter(in: fields, forKey: .adapter)
    handles = try fields.decodeIfPresent(SerialHandles.self, forKey: .handles)
    name = try Module.name(in: fields, forKey: .name)
  }
}
