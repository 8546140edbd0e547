internal import Glibc

/// The address of a bus that is not the machine's own: a simulator there would stand in the way of the real bluetoothd.
package struct PrivateBus: Equatable, Sendable {
  package let address: String

  /// Refuses where the variable is missing or names the real system bus, by whatever spelling of its path.
  package init(_ address: String?) throws(Mistake) {
    guard let address, !address.isEmpty else {
      throw Mistake("DBUS_SYSTEM_BUS_ADDRESS is not set: it must name a private bus, never the system's own.")
    }
    let real = ["/run/dbus/system_bus_socket", "/var/run/dbus/system_bus_socket"].flatMap { [$0, Self.resolved($0)] }
    for part in address.split(separator: ";") {
      for field in part.drop(while: { $0 != ":" }).dropFirst().split(separator: ",") where field.hasPrefix("path=") {
        let path = String(field.dropFirst(5))
        if real.contains(path) || real.contains(Self.resolved(path)) {
          throw Mistake("DBUS_SYSTEM_BUS_ADDRESS names the real system bus (\(path)): the simulator keeps off it.")
        }
      }
    }
    self.address = address
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}
