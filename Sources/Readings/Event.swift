/// What a worker says: one line each, in this order in a poll: stages as they are entered, the link before its first, one `readings` or `failed` a device,
/// `done`. A stopped worker ends with `stopped` instead.
package enum Event: Equatable, Sendable {
  case stage(Stage, attempt: Int)
  /// What will carry this poll to its module.
  case link(by: LinkKind)
  case readings(DeviceReadings)
  /// `device` is `nil` where the request itself, a scan, a release, a probe or a reset failed.
  case failed(device: String?, FailureReport)
  case seen(SeenDevice)
  case probed(Probe)
  /// A device that answers behind the module, in an `identify`.
  case found(Found)
  case done(Done)
  case stopped(Stage)
}

/// An event and the question it answers.
package struct EventLine: Equatable, Sendable {
  package var poll: String
  /// Since the worker's start.
  package var time: Duration
  package var event: Event

  package init(poll: String, time: Duration, event: Event) {
    self.poll = poll
    self.time = time
    self.event = event
  }
}
