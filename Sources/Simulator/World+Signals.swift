import DBus

extension World {
  mutating func changed(_ path: String, _ interface: String, _ properties: [String: Value], gone: [String] = []) {
    send(
      .signal(
        path, Interface.properties, "PropertiesChanged", [.string(interface), .properties(properties), .strings(gone)]))
  }

  mutating func announce(_ path: String) {
    guard let object = object(at: path) else { return }
    send(.signal("/", Interface.objectManager, "InterfacesAdded", [.objectPath(path), interfaces(of: object)]))
  }

  /// To be called while the object is still there.
  mutating func denounce(_ path: String) {
    guard let own = object(at: path).flatMap({ interface(of: $0) }) else { return }
    let names: Value = .strings([Interface.properties, Interface.introspectable, own.name])
    send(.signal("/", Interface.objectManager, "InterfacesRemoved", [.objectPath(path), names]))
  }
}
