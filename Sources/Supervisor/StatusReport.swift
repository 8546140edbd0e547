import Policy
import Readings

/// A device's status as it was last said, and since when.
struct StatusReport: Equatable, Sendable {
  var status: Freshness.Status
  var available: Bool
  var since: Instant

  /// How many failures in a row make `offline` worth a line: radio has bad moments, and a line for each would hide the news.
  static let tellingFailures = 3

  /// Whether that is news after what was said last.
  static func isNews(_ device: DeviceStatus, after last: StatusReport?) -> Bool {
    // Before it was polled there is nothing to say of a device, whatever an earlier process read.
    if device.pollMs == nil, device.status != .connected { return false }
    guard let last else { return true }
    guard device.status != last.status || device.available != last.available else { return false }
    if last.status == .connected, device.status == .offline { return device.consecutiveFailures >= tellingFailures }
    return true
  }

  /// "Inverter is offline, after connected for 312 s: not_seen: it was not seen for 8.0 s."
  func text(of device: DeviceStatus, after last: StatusReport?) -> String {
    var text = "\(device.name) is \(status.rawValue)\(available || status != .disconnected ? "" : " and unavailable")"
    if let last { text += ", after \(last.status.rawValue) for \((since - last.since).components.seconds) s" }
    if let failure = device.failure { text += ": \(failure.failure.rawValue): \(failure.message)" }
    return text
  }
}
