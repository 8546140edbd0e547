package import FoundationEssentials
package import Readings

/// One device's history, as far as its status needs it. Bounded, however long it runs.
package struct DeviceRecord: Equatable, Sendable {
  /// The last real readings: when, by the clock that decides and by the one for people.
  private struct Last: Equatable {
    var readings: DeviceReadings
    var at: Instant
    var wall: Date
  }

  package let config: DeviceConfig
  /// What the last poll left.
  private struct Result: Equatable {
    var last: Last?
    var succeeded = false
    var failure: FailureReport?
    var consecutiveFailures = 0
  }

  private var result = Result()
  /// The one before, while a poll that has read still closes its link.
  private var before: Result?
  private var rate = SuccessRate()
  private var availability: AvailabilityRecord
  private var connectTimes = RecentMean()
  private var connectMs: Int64?
  private var pollMs: Int64?
  private var rssi: Int?
  private var link: LinkKind?

  package init(_ config: DeviceConfig, start: Instant) {
    self.config = config
    availability = AvailabilityRecord(start: start)
  }

  /// Readings of a poll that still closes its link. Its end says the rest, or takes them back.
  package mutating func note(_ readings: DeviceReadings, limits: Freshness.Limits, at now: Instant, wall: Date) {
    availability.advance(to: now, availableUntil: result.last.map { $0.at + limits.grace })
    before = before ?? result
    result = Result(last: Last(readings: readings, at: now, wall: wall), succeeded: true)
  }

  /// What a poll that ended `now` brought for this device. A poll that was stopped by us says nothing about it.
  package mutating func note(_ outcome: PollOutcome, limits: Freshness.Limits, at now: Instant, wall: Date) {
    defer { before = nil }
    guard let answer = outcome.answers[config.name], answer.failure?.failure != .stopped else { return }
    availability.advance(to: now, availableUntil: result.last.map { $0.at + limits.grace })
    if case .failed = answer, let before { result = before }
    rate.note(success: answer.readings != nil)
    pollMs = outcome.lasted.milliseconds
    rssi = outcome.done?.rssi
    link = outcome.linkedBy
    switch answer {
    case .readings(let readings):
      let age = outcome.ageAtEnd(of: config.name)
      result = Result(last: Last(readings: readings, at: now - age, wall: wall - age.seconds), succeeded: true)
      connectMs = outcome.done?.connectMs
      if let connectMs { connectTimes.note(Double(connectMs)) }
    case .failed(let report):
      (result.succeeded, result.failure) = (false, report)
      result.consecutiveFailures += 1
      connectMs = nil
    }
  }

  package func freshness(limits: Freshness.Limits, at now: Instant) -> Freshness {
    Freshness(age: result.last.map { now - $0.at }, lastPollSucceeded: result.succeeded, limits: limits)
  }

  /// - Parameter deadline: of the module's next poll.
  package func status(limits: Freshness.Limits, deadline: Duration, at now: Instant) -> DeviceStatus {
    let freshness = freshness(limits: limits, at: now)
    let last = result.last
    var availability = availability
    availability.advance(to: now, availableUntil: last.map { $0.at + limits.grace })
    return DeviceStatus(
      name: config.name, address: config.address, profile: config.profile, model: last?.readings.model,
      status: freshness.status, available: freshness.isAvailable, testMode: config.testMode, age: last.map { now - $0.at },
      readAt: last?.wall, readings: freshness.isAvailable ? last?.readings.readings ?? [:] : [:],
      rawSign: freshness.isAvailable ? last?.readings.rawSign ?? [] : [],
      implausible: freshness.isAvailable ? last?.readings.implausible ?? [] : [], failure: result.failure,
      successRate: rate.share, availability: availability.share, connectMs: connectMs, connectMsMean: connectTimes.mean,
      pollMs: pollMs, consecutiveFailures: result.consecutiveFailures, deadline: deadline, rssi: rssi, link: link)
  }
}
