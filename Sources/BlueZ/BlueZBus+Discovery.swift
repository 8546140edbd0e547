import DBus
import Readings

extension BlueZBus {
  /// Discovers until `found` gives a value, or the deadline. Then ends its discovery: a running one slows connects.
  ///
  /// A discovery that cannot begin, or that hears nobody at all for three fifths of its time, is begun again, once.
  ///
  /// - Parameter again: told why it is.
  package func discover<T>(
    on adapter: Adapter, until deadline: Instant, again: (String) -> Void = { _ in }, found: (ObjectTree) -> T?
  ) throws -> T? {
    var isFirst = true
    func beginAgain(_ why: String) throws {
      isFirst = false
      again(why)
      try endDiscovery(on: adapter)
      try beginDiscovery(on: adapter, until: deadline)
    }
    func listen(until limit: Instant) throws -> DiscoveryEnd<T>? {
      try wait(at: .scan, until: limit) { tree -> DiscoveryEnd<T>? in
        if let value = found(tree) { return .found(value) }
        guard let powered = tree.property(adapter.path, ObjectTree.adapter, "Powered")?.asBool else { return .gone }
        return powered ? nil : .off
      }
    }

    do {
      try beginDiscovery(on: adapter, until: deadline)
    } catch let report as FailureReport where report.failure == .daemonError {
      // `InProgress`, above all: bluetoothd is about to begin or to end another one.
      try beginAgain(report.message)
    }
    let patience = (deadline - .now) * 3 / 5
    var end = try listen(until: isFirst ? .now + patience : deadline)
    if end == nil, isFirst {
      if heard(on: adapter).isEmpty, deadline > .now {
        try beginAgain("\(adapter.name) heard nobody within \(patience.shortSeconds)")
      }
      end = try listen(until: deadline)
    }
    // An adapter that is pulled is said to be off first, and gone a moment later.
    if case .off = end {
      let isGone = try wait(at: .scan, until: min(deadline, .now + .milliseconds(500))) {
        $0.objects[adapter.path] == nil ? true : nil
      }
      if isGone == true { throw FailureReport(.adapterMissing, at: .scan, "Adapter \(adapter.name) vanished during the scan.") }
    }
    try endDiscovery(on: adapter)
    switch end {
    case .found(let value): return value
    case .gone: throw FailureReport(.adapterMissing, at: .scan, "Adapter \(adapter.name) vanished during the scan.")
    case .off: throw FailureReport(.adapterOff, at: .scan, "Adapter \(adapter.name) was switched off during the scan.")
    case nil: return nil
    }
  }

  private func beginDiscovery(on adapter: Adapter, until deadline: Instant) throws {
    let filter: [DBus.Value] = [.properties(["Transport": .string("le")])]
    for (member, body) in [("SetDiscoveryFilter", filter), ("StartDiscovery", [])] {
      try call(
        adapter.path, ObjectTree.adapter, member, body, at: .scan, until: deadline, late: Self.slow(member, adapter))
    }
  }

  /// Best effort: what was found is found, and our discovery ends with this process in any case.
  private func endDiscovery(on adapter: Adapter) throws {
    do {
      try call(
        adapter.path, ObjectTree.adapter, "StopDiscovery", at: .scan, until: .now + .seconds(1),
        late: Self.slow("StopDiscovery", adapter))
    } catch is FailureReport {}
  }

  private static func slow(_ member: String, _ adapter: Adapter) -> FailureReport {
    FailureReport(.daemonSilent, at: .scan, "\(member) on \(adapter.name) was not answered.")
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
