/// A connected, notifying link to a module. Frames go out whole; replies come back in chunks, as the radio cut them.
///
/// Both calls throw a `FailureReport` when the link or what carries it is gone.
package protocol Link {
  func send(_ frame: [UInt8]) throws
  /// The next chunk, or `nil` when `deadline` came first.
  func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]?
}
