/// The last events as one document.
package struct EventDocument: Codable, Equatable, Sendable {
  /// In the order in which they were last seen.
  package var events: [FleetEvent]

  package init(_ events: [FleetEvent]) { self.events = events }
}
