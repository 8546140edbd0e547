import ATT
import Glibc
import Readings

/// What the environment says about where this worker is.
enum Surroundings {
  static let hostsBus = "/run/dbus/system_bus_socket"

  static var bus: String { variable("DBUS_SYSTEM_BUS_ADDRESS") ?? "unix:path=\(hostsBus)" }

  /// On a bus of its own a worker has a radio of its own: it shares nothing with the host.
  static var isHostsBus: Bool { bus.contains(hostsBus) }

  /// Where a poll's packets go; `nil`: to bluetoothd.
  ///
  /// `auto` takes the kernel's link where the kernel has one to give. On a bus of its own it takes bluetoothd's, or what stands in
  /// for the radio there: the host's own radio is not meant.
  static func route(_ choice: LinkChoice, adapter: String?) throws(FailureReport) -> Route? {
    let sockets = variable("BLUPOW_ATT_SOCKETS")
    if sockets != nil, isHostsBus {
      throw FailureReport(
        .badRequest, at: .start, "BLUPOW_ATT_SOCKETS stands in for the radio in tests: it is refused on the host's own bus.")
    }
    switch (choice, sockets) {
    case (.bluez, _): return nil
    case (.kernel, let directory?), (.auto, let directory?): return .sockets(directory: directory)
    case (.kernel, nil): return try .radio(named: adapter)
    case (.auto, nil): return isHostsBus && Route.hasRadio ? try .radio(named: adapter) : nil
    }
  }

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
    return value
  }
}
