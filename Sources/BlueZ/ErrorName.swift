package import Readings

/// BlueZ's and D-Bus's error names, each translated once: nothing above this knows a name.
///
/// Names and texts as bluetoothd 5.55 to 5.87 sends them (src/error.c, src/device.c, src/gatt-client.c).
package enum ErrorName {
  package static func failure(_ name: String, _ text: String) -> Failure {
    let bus = "org.freedesktop.DBus.Error."
    let bluez = "org.bluez.Error."
    if name.hasPrefix(bus) {
      switch name.dropFirst(bus.count) {
      case "ServiceUnknown", "NameHasNoOwner", "TimedOut": return .daemonMissing
      case let spawn where spawn.hasPrefix("Spawn."): return .daemonMissing
      case "NoServer", "FileNotFound": return .busMissing
      case "Disconnected": return .busLost
      case "UnknownObject", "UnknownMethod", "UnknownInterface": return .notSeen
      case "AccessDenied", "AuthFailed": return .accessDenied
      case "NoReply", "Timeout": return .daemonSilent
      case "LimitsExceeded", "NoMemory": return .slots
      default: return .daemonError
      }
    }
    // Activation that systemd refuses: the unit is absent or masked.
    if name.hasPrefix("org.freedesktop.systemd1.") { return .daemonMissing }
    guard name.hasPrefix(bluez) else { return .daemonError }
    switch name.dropFirst(bluez.count) {
    case "NotReady": return .adapterOff
    case "DoesNotExist": return .notSeen
    case "InProgress", "AlreadyConnected", "Busy": return .busy
    case "NotConnected": return .linkLost
    case "NotSupported": return .wrongProfile
    case "NotPermitted": return text.contains("paired") ? .pairingRequired : .notifyRefused
    case "NotAuthorized", "AuthenticationFailed", "AuthenticationCanceled", "AuthenticationRejected",
      "AuthenticationTimeout":
      return .pairingRequired
    case "ConnectionAttemptFailed": return .connectFailed
    default: return failed(text)
    }
  }

  /// `org.bluez.Error.Failed` says what failed in its text.
  private static func failed(_ text: String) -> Failure {
    let known: [(part: String, failure: Failure)] = [
      ("already in progress", .busy), ("le-connection-busy", .busy),
      ("adapter-not-powered", .adapterOff),
      ("concurrent-connection-limit", .slots), ("Cannot allocate memory", .slots),
      ("gatt-browsing", .servicesUnresolved),
      ("key-missing", .pairingRequired), ("ATT error: 0x05", .pairingRequired), ("ATT error: 0x08", .pairingRequired),
      ("ATT error: 0x0f", .pairingRequired),
      ("Not connected", .linkLost), ("ATT error: 0x", .linkLost),
      // What a pending Connect is answered when somebody disconnects, for LE links too.
      ("br-connection-canceled", .connectFailed),
      ("le-connection-", .connectFailed), ("connection abort", .connectFailed), ("Connection refused", .connectFailed),
      ("Host is down", .connectFailed), ("Connection timed out", .connectFailed),
    ]
    return known.first { text.contains($0.part) }?.failure ?? .daemonError
  }
}
