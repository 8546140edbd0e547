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
    let candidates = try candidates(named: name)
    let powered = candidates.filter(\.powered)
    guard let adapter = powered.first(where: preferred) ?? powered.first else {
      throw FailureReport(.adapterOff, at: .bus, "Bluetooth adapter \(Self.names(candidates)) is off.")
    }
    return adapter
  }

  /// The adapter to reset, on or off: the one that was named, or the only one.
  package func adapter(toReset name: String?) throws -> Adapter {
    let candidates = try candidates(named: name)
    guard let adapter = candidates.first, candidates.count == 1 else {
      throw FailureReport(
        .badRequest, at: .bus, "There is more than one adapter (\(Self.names(candidates))): name the one to reset.")
    }
    return adapter
  }

  /// Those that may be meant; at least one.
  private func candidates(named name: String?) throws -> [Adapter] {
    let all = adapters
    let candidates = all.filter { name == nil || $0.name == name }
    guard !candidates.isEmpty else {
      let wanted = name.map { "Adapter \($0) does not exist" } ?? "bluetoothd has no Bluetooth adapter"
      throw FailureReport(.adapterMissing, at: .bus, all.isEmpty ? "\(wanted)." : "\(wanted); it has \(Self.names(all)).")
    }
    return candidates
  }

  private static func names(_ adapters: [Adapter]) -> String { adapters.map(\.name).joined(separator: ", ") }
}
