/// What the age of a device's last real readings makes of them.
package enum Freshness: Equatable, Sendable {
  /// The last poll succeeded, and it is not long ago.
  case connected(age: Duration)
  /// The last readings still stand for the device.
  case offline(age: Duration)
  /// The last readings are shown, marked as stale.
  case stale(age: Duration)
  /// Nothing is shown: never read, read too long ago, or nobody knows when.
  case gone

  package enum Status: String, Codable, Sendable, CaseIterable { case connected, offline, disconnected }

  package var status: Status {
    switch self {
    case .connected: .connected
    case .offline: .offline
    case .stale, .gone: .disconnected
    }
  }

  /// Values are shown exactly while the device is available.
  package var isAvailable: Bool { self != .gone }

  /// - Parameter age: of the last real readings; `nil` where there are none or their time is unknown.
  package init(age: Duration?, lastPollSucceeded: Bool, limits: Limits) {
    switch age {
    case let age? where age < .zero: self = .gone
    case let age? where lastPollSucceeded && age <= limits.live: self = .connected(age: age)
    case let age? where age <= limits.cache: self = .offline(age: age)
    case let age? where age <= limits.grace: self = .stale(age: age)
    default: self = .gone
    }
  }

  /// The ages at which one becomes the other.
  package struct Limits: Equatable, Sendable {
    package var live: Duration
    package var cache: Duration
    package var grace: Duration

    /// - Parameters:
    ///   - interval: as configured, without back-off.
    ///   - deadline: of the module's next poll.
    package init(interval: Duration, deadline: Duration, cacheFor: Duration, grace: Duration) {
      live = interval * 2 + deadline
      cache = max(cacheFor, interval * 2 + TimeoutScale.longest)
      self.grace = max(grace, cache + interval + TimeoutScale.longest)
    }
  }
}
