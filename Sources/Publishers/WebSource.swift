package import Policy

/// What is told over TCP. All of it is read only.
package struct WebSource: Sendable {
  /// A file of the page, in the program itself: no path leads from a request to a file of the host's.
  package struct Asset: Sendable {
    var contentType: String
    var bytes: [UInt8]

    package init(contentType: String, bytes: [UInt8]) {
      self.contentType = contentType
      self.bytes = bytes
    }
  }

  /// What a path of the API answers, given what its URL says behind the question mark, and whence it is asked.
  package typealias Route = @Sendable (_ query: [String: String], _ place: ClientPlace) async -> Answer

  var status: @Sendable () async -> FleetStatus
  /// The state, and the newest one after every change.
  var statuses: @Sendable () -> any AsyncSequence<FleetStatus, Never> & Sendable
  var events: @Sendable () async -> [FleetEvent]
  /// How polls have ended since the start, by device.
  var counts: @Sendable () async -> [String: PollCounts]
  /// By path, like `/` and `/page.css`.
  package var assets: [String: Asset] = [:]
  /// By path, like `/api/history`.
  package var routes: [String: Route] = [:]

  package init(
    status: @escaping @Sendable () async -> FleetStatus,
    statuses: @escaping @Sendable () -> any AsyncSequence<FleetStatus, Never> & Sendable,
    events: @escaping @Sendable () async -> [FleetEvent], counts: @escaping @Sendable () async -> [String: PollCounts]
  ) {
    self.status = status
    self.statuses = statuses
    self.events = events
    self.counts = counts
  }
}
