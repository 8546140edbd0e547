import DBus
package import Readings

/// One adapter as bluetoothd lists it.
package struct Adapter: Equatable, Sendable {
  /// Its object path, `/org/bluez/hci0`.
  package var path: String
  package var address: String
  package var powered: Bool

  package var name: String { String(path.split(separator: "/").last ?? "") }

  /// Where bluetoothd puts a device's object under this adapter.
  package func path(of device: Address) -> String {
    "\(path)/dev_\(device.text.split(separator: ":").joined(separator: "_"))"
  }
}

extension BlueZBus {
  package var adapters: [Adapter] {
    tree.paths(with: ObjectTree.adapter).map { path in
      Adapter(
        path: path, address: tree.property(path, ObjectTree.adapter, "Address")?.asString ?? "",
        powered: tree.property(path, ObjectTree.adapter, "Powered")?.asBool ?? false)
    }
  }

  /// Those that are on: that one, or any.
  package func powered(named name: String?) -> [Adapter] {
    adapters.filter { $0.powered && (name == nil || $0.name == name) }
  }

  /// The adapter to reach a module by: the one that was named, else one that knows it already, else the first that is on.
  package func adapter(for module: Module) throws -> Adapter {
    try adapter(named: module.adapter) { tree.objects[$0.path(of: module.address)] != nil }
  }

  package func adapter(named name: String?, preferring preferred: (Adapter) -> Bool = { _ in false }) throws -> Adapter {
    let all = adapters
    let names = all.map(\.name).joined(separator: ", ")
    let candidates = all.filter { name == nil || $0.name == name }
    guard !candidates.isEmpty else {
      let wanted = name.map { "Adapter \($0) does not exist" } ?? "bluetoothd has no Bluetooth adapter"
      throw FailureReport(.adapterMissing, at: .bus, all.isEmpty ? "\(wanted)." : "\(wanted); it has \(names).")
    }
    let powered = candidates.filter(\.powered)
    guard let adapter = powered.first(where: preferred) ?? powered.first else {
      throw FailureReport(.adapterOff, at: .bus, "Bluetooth adapter \(candidates.map(\.name).joined(separator: ", ")) is off.")
    }
    return adapter
  }

  /// Discovers until `found` gives a value, or the deadline. Then ends its discovery: a running one slows connects.
  package func discover<T>(
    on adapter: Adapter, until deadline: Instant, found: (ObjectTree) -> T?
  ) throws -> T? {
    func slow(_ what: String) -> FailureReport {
      FailureReport(.daemonSilent, at: .scan, "\(what) on \(adapter.name) was not answered.")
    }
    let filter: [DBus.Value] = [.properties(["Transport": .string("le")])]
    try call(
      adapter.path, ObjectTree.adapter, "SetDiscoveryFilter", filter, at: .scan, until: deadline,
      late: slow("SetDiscoveryFilter"))
    try call(adapter.path, ObjectTree.adapter, "StartDiscovery", at: .scan, until: deadline, late: slow("StartDiscovery"))
    let end = try wait(at: .scan, until: deadline) { tree -> DiscoveryEnd<T>? in
      if let value = found(tree) { return .found(value) }
      guard let powered = tree.property(adapter.path, ObjectTree.adapter, "Powered")?.asBool else { return .gone }
      return powered ? nil : .off
    }
    // An adapter that is pulled is said to be off first, and gone a moment later.
    if case .off = end {
      let isGone = try wait(at: .scan, until: min(deadline, .now + .milliseconds(500))) {
        $0.objects[adapter.path] == nil ? true : nil
      }
      if isGone == true { throw FailureReport(.adapterMissing, at: .scan, "Adapter \(adapter.name) vanished during the scan.") }
    }
    // Best effort: what was found is found, and our discovery ends with this process in any case.
    do {
      try call(
        adapter.path, ObjectTree.adapter, "StopDiscovery", at: .scan, until: .now + .seconds(1), late: slow("StopDiscovery"))
    } catch is FailureReport {}
    switch end {
    case .found(let value): return value
    case .gone: throw FailureReport(.adapterMissing, at: .scan, "Adapter \(adapter.name) vanished during the scan.")
    case .off: throw FailureReport(.adapterOff, at: .scan, "Adapter \(adapter.name) was switched off during the scan.")
    case nil: return nil
    }
  }

  /// Devices under the adapter that have been heard (they have a signal strength).
  package func heard(on adapter: Adapter) -> [String] {
    tree.paths(with: ObjectTree.device, under: adapter.path + "/").filter {
      tree.property($0, ObjectTree.device, "RSSI") != nil
    }
  }
}

/// What ended a discovery before its deadline.
private enum DiscoveryEnd<T> {
  case found(T), gone, off
}
