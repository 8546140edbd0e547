package import Readings

/// What one poll came to for one device: what a history is made of.
package struct PolledDevice: Equatable, Sendable {
  package var device: DeviceConfig
  /// When it was read, or when the poll that failed ended.
  package var at: Instant
  /// As they were accepted. `nil`: the poll failed.
  package var readings: [String: Reading]?
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
  ///   - readings: what was accepted of those.
  ///   - now: the poll's end.
  package init?(
    _ device: DeviceConfig, _ answer: PollOutcome.Answer, _ readings: [String: Reading], of outcome: PollOutcome,
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
    self.readings = readings
    connectMs = outcome.done?.connectMs
  }
}
