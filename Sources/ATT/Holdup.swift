/// What keeps a connection from being made, as somebody outside of the link knows it.
package struct Holdup: Equatable, Sendable {
  /// A sentence for the person who must act.
  package var reason: String
  /// Until when it is worth waiting nevertheless.
  package var until: ContinuousClock.Instant

  package init(_ reason: String, until: ContinuousClock.Instant) {
    self.reason = reason
    self.until = until
  }
}
