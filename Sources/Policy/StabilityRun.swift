package import Readings

/// One poll of a stability test.
package struct StabilityRun: Equatable, Sendable {
  /// From 1.
  package var number: Int
  /// `nil`: it brought readings.
  package var failure: FailureReport?
  /// From launch to connected; only of a success, where the worker came so far as to say it.
  package var connectMs: Int64?
  package var pollMs: Int64?

  package init(_ number: Int, failure: FailureReport? = nil, connectMs: Int64? = nil, pollMs: Int64? = nil) {
    self.number = number
    self.failure = failure
    self.connectMs = connectMs
    self.pollMs = pollMs
  }

  /// What the poll that has just ended left of the device.
  package init(_ number: Int, _ device: DeviceStatus) {
    self.init(
      number, failure: device.failure, connectMs: device.failure == nil ? device.connectMs : nil, pollMs: device.pollMs)
  }
}

extension StabilityRun: Encodable {
  private enum Key: String, CodingKey {
    case number = "run"
    case failure
    case connectMs = "connect_ms"
    case pollMs = "poll_ms"
  }

  /// Every key is always there.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(number, forKey: .number)
    try fields.encode(failure, forKey: .failure)
    try fields.encode(connectMs, forKey: .connectMs)
    try fields.encode(pollMs, forKey: .pollMs)
  }
}
