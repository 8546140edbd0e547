/// A controller as bluetoothd shows it.
struct Adapter: Sendable {
  let name: String
  var powered: Bool
  /// The clients that have a discovery session.
  var discovering: [String] = []

  var path: String { "/org/bluez/\(name)" }

  /// Made up from the number, as virtual controllers' are.
  var address: String { "00:AA:01:00:00:\(Hex.text([UInt8(Int(name.dropFirst(3)) ?? 0)]).uppercased())" }
}
