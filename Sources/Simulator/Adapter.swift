import DBus

/// A controller as bluetoothd shows it.
struct Adapter: Sendable {
  let setup: Setup.Adapter
  var powered: Bool
  /// The call that has it switched on or off, until it is.
  var switching: Message?
  /// The clients that have a discovery session.
  var discovering: [String] = []
  /// By a fault, nobody is heard until no discovery runs any more.
  var isDeaf = false

  init(_ setup: Setup.Adapter) {
    self.setup = setup
    powered = setup.powered
  }

  var name: String { setup.name }

  /// Of later versions, which say why an adapter is off.
  var powerState: String { powered ? "on" : setup.blocked ? "off-blocked" : "off" }

  var path: String { "/org/bluez/\(name)" }

  /// Made up from the number, as virtual controllers' are.
  var address: String { "00:AA:01:00:00:\(Hex.text([UInt8(Int(name.dropFirst(3)) ?? 0)]).uppercased())" }
}
