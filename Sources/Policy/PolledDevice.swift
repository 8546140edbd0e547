package import Readings

/// What one poll came to for one device: what a history is made of.
package struct PolledDevice: Equatable, Sendable {
  package var device: DeviceConfig
  /// When it was read, or when the poll that failed ended.
  package var at: Instant
  /// As they were accepted. `nil`: the poll failed.
  package var readings: [String: Reading]?
  /// Of those readings, the keys that were computed from others of the same poll.
  package var derived: [String] = []
  /// Of those readings, the keys with the register's own sign, because this model's convention is not known.
  package var rawSign: [String] = []
  package var failure: FailureReport?
  /// Launch to connected.
  package var connectMs: Int64?
  /// Launch to end.
  package var pollMs: Int64
  /// What the poll was given.
  package var deadline: Duration

  /// `nil`: we stopped it, which says nothing of the device.
  ///
  /// - Parameters:
  ///   - accepted: the device as it is now known, with what was accepted of the answer's readings.
  ///   - now: the poll's end.
  package init?(
    _ device: DeviceConfig, _ answer: PollOutcome.Answer, _ accepted: DeviceStatus?, of outcome: PollOutcome,
    deadline: Duration, at now: Instant
  ) {
    guard answer.failure?.failure != .stopped else { return nil }
    self.device = device
    self.deadline = deadline
    pollMs = outcome.lasted.milliseconds
    failure = answer.failure
    guard failure == nil else {
      at = now
      return
    }
    at = now - outcome.ageAtEnd(of: device.name)
    readings = accepted?.readings ?? [:]
    derived = accepted?.derived ?? []
    rawSign = accepted?.rawSign ?? []
    connectMs = outcome.done?.connectMs
  }
}
