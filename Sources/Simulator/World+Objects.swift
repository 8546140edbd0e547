import DBus

// The objects as a tree of paths, and what each shows. One place says it, for GetManagedObjects, GetAll and the signals alike.

extension World {
  enum Object: Equatable {
    case root
    case bluez
    case adapter(Int)
    case device(String)
    case service(String, GattTable.Service)
    case characteristic(String, GattTable.Characteristic)
    case descriptor(String, GattTable.Characteristic)
  }

  func adapter(_ name: String) -> Adapter? { adapters.first { $0.name == name } }

  func adapterIndex(of device: Device) -> Int? { adapters.firstIndex { $0.name == device.adapter } }

  func object(at path: String) -> Object? {
    if path == "/" { return .root }
    if path == "/org/bluez" { return .bluez }
    if let index = adapters.firstIndex(where: { $0.path == path }) { return .adapter(index) }
    if devices[path] != nil { return .device(path) }
    // /org/bluez/hci0/dev_D8_B6_73_BF_4F_75/service0010/char0011: twenty modules are hundreds of objects, and all of them are asked for.
    let parts = path.split(separator: "/", maxSplits: 4)
    guard parts.count == 5, case let owner = "/" + parts.dropLast().joined(separator: "/"), let table = devices[owner]?.table
    else { return nil }
    let below = String(parts[4])
    if let service = table.services.first(where: { $0.path == below }) { return .service(owner, service) }
    for characteristic in table.characteristics where below.hasPrefix(characteristic.servicePath) {
      if characteristic.path == below { return .characteristic(owner, characteristic) }
      if characteristic.descriptorPath == below { return .descriptor(owner, characteristic) }
    }
    return nil
  }

  /// Every object below the root, parents first.
  var paths: [String] {
    var paths = ["/org/bluez"] + adapters.map(\.path)
    for path in devices.keys.sorted() { paths += [path] + gattPaths(path) }
    return paths
  }

  func gattPaths(_ device: String) -> [String] {
    guard let table = devices[device]?.table else { return [] }
    var paths: [String] = []
    for service in table.services {
      paths.append("\(device)/\(service.path)")
      for characteristic in table.characteristics where characteristic.service == service.handle {
        paths.append("\(device)/\(characteristic.path)")
        if let descriptor = characteristic.descriptorPath { paths.append("\(device)/\(descriptor)") }
      }
    }
    return paths
  }

  /// The object's own interface and its properties.
  func interface(of object: Object) -> (name: String, properties: [String: Value])? {
    switch object {
    case .root: nil
    case .bluez: (Interface.agentManager, [:])
    case .adapter(let index): (Interface.adapter, properties(of: adapters[index]))
    case .device(let path): devices[path].map { (Interface.device, properties(of: $0)) }
    case .service(let path, let service):
      (
        Interface.service,
        ["UUID": .string(service.uuid), "Device": .objectPath(path), "Primary": .bool(true), "Includes": .paths([])]
      )
    case .characteristic(let path, let characteristic):
      (Interface.characteristic, properties(of: characteristic, on: path))
    case .descriptor(let path, let characteristic):
      (
        Interface.descriptor,
        [
          "UUID": .string(GattTable.full("2902")), "Characteristic": .objectPath("\(path)/\(characteristic.path)"),
          "Value": .bytes([]),
        ]
      )
    }
  }

  /// `a{sa{sv}}`, with the two interfaces that every object has.
  func interfaces(of object: Object) -> Value {
    var entries = [Value.Entry(.string(Interface.introspectable), .properties([:]))]
    if let own = interface(of: object) { entries.append(Value.Entry(.string(own.name), .properties(own.properties))) }
    entries.append(Value.Entry(.string(Interface.properties), .properties([:])))
    return .dictionary(signature: "sa{sv}", entries)
  }

  private func properties(of adapter: Adapter) -> [String: Value] {
    [
      "Address": .string(adapter.address), "AddressType": .string("public"), "Name": .string("blupow-simulator"),
      "Alias": .string("blupow-simulator"), "Class": .uint32(0), "Powered": .bool(adapter.powered),
      "PowerState": .string(adapter.powerState),
      "Discoverable": .bool(false), "DiscoverableTimeout": .uint32(180), "Pairable": .bool(false),
      "PairableTimeout": .uint32(0), "Discovering": .bool(!adapter.discovering.isEmpty), "UUIDs": .strings([]),
      "Modalias": .string("usb:v1D6Bp0246d0542"), "Roles": .strings(["central"]),
    ]
  }

  private func properties(of device: Device) -> [String: Value] {
    guard let module = modules[device.address]?.setup else { return [:] }
    var properties: [String: Value] = [
      "Address": .string(device.address), "AddressType": .string(module.addressType), "Paired": .bool(module.paired),
      "Trusted": .bool(false), "Blocked": .bool(false), "LegacyPairing": .bool(false),
      "Connected": .bool(device.isConnected), "ServicesResolved": .bool(device.resolved),
      "UUIDs": .strings(device.table?.services.map(\.uuid) ?? (module.shunt == nil ? [GattTable.full("ffd0")] : [])),
      "ManufacturerData": Self.manufacturerData(device.address), "Adapter": .objectPath("/org/bluez/\(device.adapter)"),
      "Alias": .string(String(device.address.map { $0 == ":" ? "-" : $0 })),
    ]
    if !module.name.isEmpty {
      properties["Name"] = .string(module.name)
      properties["Alias"] = .string(module.name)
    }
    if device.heardNow { properties["RSSI"] = .int16(module.rssi) }
    return properties
  }

  private func properties(of characteristic: GattTable.Characteristic, on path: String) -> [String: Value] {
    let device = devices[path]
    var properties: [String: Value] = [
      "UUID": .string(characteristic.uuid), "Service": .objectPath("\(path)/\(characteristic.servicePath)"),
      "Value": .bytes(device?.values[characteristic.path] ?? []), "Flags": .strings(characteristic.flags),
      "MTU": .uint16(UInt16(device.flatMap { modules[$0.address]?.setup.mtu } ?? 23)),
    ]
    if characteristic.canNotify { properties["Notifying"] = .bool(device?.subscribed.contains(characteristic.path) == true) }
    return properties
  }

  /// As Renogy modules do: the first two octets of the address as the company, the other four as the data.
  private static func manufacturerData(_ address: String) -> Value {
    let octets = address.split(separator: ":").compactMap { UInt8($0, radix: 16) }
    guard octets.count == 6 else { return .dictionary(signature: "qv", []) }
    let company = UInt16(octets[1]) << 8 | UInt16(octets[0])
    return .dictionary(signature: "qv", [.init(.uint16(company), .variant(.bytes(Array(octets[2...]))))])
  }
}

extension Value {
  static func strings(_ texts: [String]) -> Value { .array(signature: "s", texts.map { .string($0) }) }
  static func paths(_ paths: [String]) -> Value { .array(signature: "o", paths.map { .objectPath($0) }) }
}
