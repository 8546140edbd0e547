package import Readings

import DBus

extension BlueZBus {
  /// Who on this bus listens to bluetoothd, besides this process: whoever connected a device by it is among them. `nil`: the bus does not
  /// tell. dbus-daemon tells root; dbus-broker nobody.
  package func followers(until deadline: Instant) throws -> [Probe.Follower]? {
    guard let rules = try askBus("org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules", until: deadline)?.asDictionary
    else { return nil }
    let names = rules.filter { name, rules in
      name.hasPrefix(":") && name != ownName && name != daemon
        && rules.asStrings?.contains { $0.contains("org.bluez") || $0.contains("/org/bluez") } == true
    }.keys.sorted().prefix(Self.maxFollowers)
    return try names.map { name in
      let process = try askBus(
        "org.freedesktop.DBus", "GetConnectionUnixProcessID", [.string(name)], until: deadline)
      return Probe.Follower(name: name, process: process?.asInt)
    }
  }

  /// More of them tell nobody anything.
  private static let maxFollowers = 16

  /// The first value of the D-Bus daemon's own answer; `nil` where that is an error, or does not come.
  private func askBus(
    _ interface: String, _ member: String, _ body: [Value] = [], until deadline: Instant
  ) throws -> Value? {
    let serial = try expect(.call(to: "org.freedesktop.DBus", "/org/freedesktop/DBus", interface, member, body))
    guard let answer = try reply(to: serial, at: .bus, until: deadline), answer.kind == .methodReturn else { return nil }
    return answer.body.first
  }
}
