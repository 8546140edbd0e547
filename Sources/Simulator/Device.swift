import DBus

/// A device object of bluetoothd's: what it knows of one address through one adapter.
struct Device: Sendable {
  enum Link: Sendable {
    case none
    /// A Connect that is not answered yet. `running` once its end is on the agenda; before, it waits for an advertisement.
    case pending(attempt: Int, call: Message, running: Bool)
    case up(Int, by: String)
    /// Disconnect was called; the calls are answered when the link has fallen.
    case closing(Int, waiting: [Message])

    /// Of a link that stands.
    var id: Int? {
      switch self {
      case .up(let id, _), .closing(let id, _): id
      case .none, .pending: nil
      }
    }
  }

  let address: String
  let adapter: String
  /// This stay on bluetoothd's list: an alarm for an earlier one finds another.
  let listing: Int
  /// Only heard, never connected to: dropped sooner.
  var temporary: Bool
  var link = Link.none
  var lastHeard: Duration
  /// RSSI is shown only while some discovery has heard it.
  var heardNow = false
  var resolved = false
  /// Kept when the link falls, as BlueZ 5.66 does (its Cache = always).
  var table: GattTable?
  /// The clients that notify, by characteristic path under the device; kept over a lost link, too.
  var notifying: [String: [String]] = [:]
  /// Characteristics whose `Notifying` has been said to be true.
  var subscribed: Set<String> = []
  var values: [String: [UInt8]] = [:]

  static func path(_ address: String, on adapter: String) -> String {
    "/org/bluez/\(adapter)/dev_\(String(address.map { $0 == ":" ? "_" : $0 }))"
  }

  var path: String { Device.path(address, on: adapter) }
  var isConnected: Bool { link.id != nil }
}
