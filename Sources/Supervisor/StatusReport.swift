import Policy
import Readings

/// A device's status as it was last said, and since when.
struct StatusReport: Equatable, Sendable {
  var status: Freshness.Status
  var available: Bool
  var since: Instant

  /// "Inverter is offline, after connected for 312 s: not_seen: it was not seen for 8.0 s."
  func text(of device: DeviceStatus, after last: StatusReport?) -> String {
    var text = "\(device.name) is \(status.rawValue)\(available || status != .disconnected ? "" : " and unavailable")"
    if let last { text += ", after \(last.status.rawValue) for \((since - last.since).components.seconds) s" }
    if let failure = device.failure { text += ": \(failure.failure.rawValue): \(failure.message)" }
    return text
  }
}
