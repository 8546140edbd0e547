package import DBus

/// What bluetoothd says exists, kept by its own signals: GetManagedObjects once, then InterfacesAdded, InterfacesRemoved and
/// PropertiesChanged. No introspection.
package struct ObjectTree: Sendable {
  /// By object path, then interface, then property.
  package private(set) var objects: [String: [String: [String: Value]]] = [:]

  package static let adapter = "org.bluez.Adapter1"
  package static let device = "org.bluez.Device1"
  package static let service = "org.bluez.GattService1"
  package static let characteristic = "org.bluez.GattCharacteristic1"
  package static let manager = "org.freedesktop.DBus.ObjectManager"
  package static let properties = "org.freedesktop.DBus.Properties"

  package init() {}

  /// The body of GetManagedObjects's answer.
  package mutating func load(_ managed: Value) {
    objects = [:]
    for (path, interfaces) in managed.asDictionary ?? [:] { add(path, interfaces) }
  }

  package mutating func apply(_ message: Message) {
    if message.isSignal(Self.manager, "InterfacesAdded"), message.body.count == 2, let path = message.body[0].asString {
      add(path, message.body[1])
    } else if message.isSignal(Self.manager, "InterfacesRemoved"), message.body.count == 2,
      let path = message.body[0].asString, let interfaces = message.body[1].asStrings
    {
      for interface in interfaces { objects[path]?[interface] = nil }
      if objects[path]?.isEmpty == true { objects[path] = nil }
    } else if message.isSignal(Self.properties, "PropertiesChanged"), message.body.count == 3, let path = message.path,
      let interface = message.body[0].asString, let changed = message.body[1].asDictionary,
      let invalidated = message.body[2].asStrings
    {
      // Only of objects that are known: a late signal must not bring back an object that was removed.
      guard objects[path]?[interface] != nil else { return }
      objects[path]?[interface]?.merge(changed) { $1 }
      for property in invalidated { objects[path]?[interface]?[property] = nil }
    }
  }

  /// New values of properties of an object that is known.
  package mutating func update(_ path: String, _ interface: String, _ properties: [String: Value]) {
    objects[path]?[interface]?.merge(properties) { $1 }
  }

  private mutating func add(_ path: String, _ interfaces: Value) {
    for (interface, properties) in interfaces.asDictionary ?? [:] {
      objects[path, default: [:]][interface] = properties.asDictionary ?? [:]
    }
  }

  package func property(_ path: String, _ interface: String, _ name: String) -> Value? {
    objects[path]?[interface]?[name]
  }

  /// dBm as last heard. 127 is HCI's word for "not available".
  package func signal(of device: String) -> Int? {
    property(device, Self.device, "RSSI")?.asInt.flatMap { $0 == 127 ? nil : $0 }
  }

  /// Paths of the objects with that interface, in order.
  package func paths(with interface: String, under parent: String? = nil) -> [String] {
    objects.filter { $0.value[interface] != nil && (parent.map($0.key.hasPrefix) ?? true) }.map(\.key).sorted()
  }

  /// The characteristic of a service under a device, by full UUIDs. Some batteries have several: the one that has one of these flags,
  /// where one has.
  package func characteristic(_ uuid: String, in service: String, of device: String, that able: [String] = []) -> String? {
    let found = paths(with: Self.characteristic, under: device + "/").filter { path in
      guard property(path, Self.characteristic, "UUID")?.asString?.lowercased() == uuid,
        let parent = property(path, Self.characteristic, "Service")?.asString
      else { return false }
      return property(parent, Self.service, "UUID")?.asString?.lowercased() == service
    }
    func isAble(_ path: String) -> Bool {
      property(path, Self.characteristic, "Flags")?.asStrings?.contains(where: able.contains) ?? false
    }
    return found.first(where: isAble) ?? found.first
  }
}
