import FoundationEssentials
import Policy
import Readings

/// How a device does: its status and measures, by the names that they have everywhere. Its age is what `read_at` says.
struct StatusDocument: Encodable {
  private let status: DeviceStatus

  init(_ status: DeviceStatus) { self.status = status }

  private enum Key: String, CodingKey {
    case status, available, failure, availability, rssi
    case readAt = "read_at"
    case consecutiveFailures = "consecutive_failures"
    case deadline = "deadline_s"
    case successRate = "success_rate"
    case connectMs = "connect_ms"
    case connectMsMean = "connect_ms_mean"
    case pollMs = "poll_ms"
  }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(status.status, forKey: .status)
    try fields.encode(status.available, forKey: .available)
    try fields.encode(status.readAt?.rfc3339, forKey: .readAt)
    try fields.encode(status.failure, forKey: .failure)
    try fields.encode(status.consecutiveFailures, forKey: .consecutiveFailures)
    try fields.encode(status.deadline.seconds, forKey: .deadline)
    try fields.encode(status.successRate.map { ($0 * 10_000).rounded() / 10_000 }, forKey: .successRate)
    try fields.encode(status.availability.map { ($0 * 1000).rounded() / 1000 }, forKey: .availability)
    try fields.encode(status.connectMs, forKey: .connectMs)
    try fields.encode(status.connectMsMean.map { ($0 * 10).rounded() / 10 }, forKey: .connectMsMean)
    try fields.encode(status.pollMs, forKey: .pollMs)
    try fields.encode(status.rssi, forKey: .rssi)
  }
}
