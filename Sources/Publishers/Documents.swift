import FoundationEssentials
import Policy
import Readings

/// The readings of a device: what it says, by its keys, and when it said so.
struct StateDocument: Encodable {
  private let status: DeviceStatus

  init(_ status: DeviceStatus) { self.status = status }

  private enum Key: String, CodingKey {
    case name, model, profile, readings, derived
    case readAt = "read_at"
    case testMode = "test_mode"
    case rawSign = "raw_sign"
  }

  private struct Value: Encodable {
    var value: Reading.Value

    func encode(to encoder: any Encoder) throws {
      var single = encoder.singleValueContainer()
      switch value {
      case .number(let number): try single.encode(number)
      case .text(let text): try single.encode(text)
      }
    }
  }

  /// Every key is always there; of `readings` those that have a value.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(status.name, forKey: .name)
    try fields.encode(status.model, forKey: .model)
    try fields.encode(status.profile, forKey: .profile)
    try fields.encode(status.readAt?.rfc3339, forKey: .readAt)
    try fields.encode(status.testMode, forKey: .testMode)
    try fields.encode(status.readings.mapValues { Value(value: $0.value) }, forKey: .readings)
    try fields.encode(status.derived, forKey: .derived)
    try fields.encode(status.rawSign, forKey: .rawSign)
  }
}

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

  /// To the thousandth: with more digits it would be another one every second.
  static func shown(_ availability: Double?) -> Double? { availability.map { ($0 * 1000).rounded() / 1000 } }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(status.status, forKey: .status)
    try fields.encode(status.available, forKey: .available)
    try fields.encode(status.readAt?.rfc3339, forKey: .readAt)
    try fields.encode(status.failure, forKey: .failure)
    try fields.encode(status.consecutiveFailures, forKey: .consecutiveFailures)
    try fields.encode(status.deadline.seconds, forKey: .deadline)
    try fields.encode(status.successRate.map { ($0 * 10_000).rounded() / 10_000 }, forKey: .successRate)
    try fields.encode(Self.shown(status.availability), forKey: .availability)
    try fields.encode(status.connectMs, forKey: .connectMs)
    try fields.encode(status.connectMsMean.map { ($0 * 10).rounded() / 10 }, forKey: .connectMsMean)
    try fields.encode(status.pollMs, forKey: .pollMs)
    try fields.encode(status.rssi, forKey: .rssi)
  }
}

/// How the gateway does.
struct GatewayDocument: Encodable {
  private let version: String
  private let uptime: Int64
  private let problem: String
  private let text: String
  private let problems: [Problem]

  /// Problems that are told.
  private static let maxProblems = 16

  private enum CodingKeys: String, CodingKey {
    case version, problem, text, problems
    case uptime = "uptime_s"
  }

  init(_ status: FleetStatus) {
    version = status.version
    // In minutes: it is published where it has changed.
    uptime = status.uptime.components.seconds / 60 * 60
    problem = status.problems.isEmpty ? "off" : "on"
    let sentences = status.problems.map { "\($0.subject): \($0.message)" }
    text = sentences.isEmpty ? "none" : Printable.text(sentences.joined(separator: " "), maxBytes: Wire.maxTextBytes)
    problems = Array(status.problems.prefix(Self.maxProblems))
  }
}
