/// The last events as one document.
package struct EventDocument: Codable, Equatable, Sendable {
  /// Oldest first.
  package var events: [FleetEvent]

  package init(_ events: [FleetEvent]) { self.events = events }
}
