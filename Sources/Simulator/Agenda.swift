/// What is to happen, and when: the world's only notion of waiting.
///
/// Nothing is ever taken off it: an alarm names the link or the attempt that it was set for, and one that comes late finds
/// that over.
struct Agenda: Sendable {
  private struct Entry: Sendable {
    let due: Duration
    let alarm: Alarm
  }

  private var entries: [Entry] = []

  var count: Int { entries.count }
  var nextDue: Duration? { entries.first?.due }

  /// Of two alarms for one moment, the first set goes first.
  mutating func add(_ alarm: Alarm, at due: Duration) {
    let index = entries.firstIndex { $0.due > due } ?? entries.endIndex
    entries.insert(Entry(due: due, alarm: alarm), at: index)
  }

  mutating func pop(until now: Duration) -> (due: Duration, alarm: Alarm)? {
    guard let first = entries.first, first.due <= now else { return nil }
    entries.removeFirst()
    return (first.due, first.alarm)
  }
}

enum Alarm: Equatable, Sendable {
  /// The module says that it is there.
  case advertise(module: String)
  /// The attempt ends well, or with this error.
  case attempt(Int, device: String, refused: Refusal?)
  case resolve(link: Int, device: String)
  /// The time that bluetoothd leaves between Disconnect and the fall of the link is over.
  case fall(link: Int, device: String, closing: Int)
  /// Before a reply.
  case unasked(link: Int, [Fault.Unasked])
  case fragment(link: Int, device: String, fragments: [[UInt8]], index: Int, request: Int?)
  /// The next frame of a shunt, while that listening lasts.
  case push(module: String, pushing: Int)
  /// Look whether bluetoothd should still list this device.
  case forget(device: String, listing: Int)
  /// The attempt of a module's socket ends.
  case attach(session: Int)
  /// A connection that its socket gave up is made all the same.
  case handOver(address: String, device: String)
  /// The controller has done what that call wanted of it.
  case power(adapter: String, on: Bool, call: UInt32)
  /// Somebody's discovery has heard the module that a socket waits for.
  case hear(session: Int)
}

/// A D-Bus error.
package struct Refusal: Equatable, Sendable {
  package var name: String
  package var text: String

  package init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }
}

extension Refusal {
  static func failed(_ text: String) -> Refusal { Refusal("org.bluez.Error.Failed", text) }
  static let notConnected = failed("Not connected")
  static let notReady = Refusal("org.bluez.Error.NotReady", "Resource Not Ready")
  static let doesNotExist = Refusal("org.bluez.Error.DoesNotExist", "Does Not Exist")
  static let notSupported = Refusal("org.bluez.Error.NotSupported", "Operation is not supported")
  static let busy = Refusal("org.bluez.Error.Busy", "")
  static let blocked = Refusal("org.bluez.Error.Blocked", "Blocked through rfkill")
  static let inProgress = Refusal("org.bluez.Error.InProgress", "Operation already in progress")
  static let invalidArguments = Refusal("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
}
