package import FoundationEssentials
package import Readings

/// One device's history, as far as its status needs it. Bounded, however long it runs.
package struct DeviceRecord: Equatable, Sendable {
  /// The last real readings: when, by the clock that decides and by the one for people.
  private struct Last: Equatable {
    var readings: DeviceReadings
    var at: Instant
    var wall: Date
    /// Whether the wall clock was right then, as far as the kernel knew.
    var isSynchronised: Bool
  }

  package private(set) var config: DeviceConfig
  /// What the last poll left.
  private struct Result: Equatable {
    var last: Last?
    var succeeded = false
    var failure: FailureReport?
    var consecutiveFailures = 0
    var counters = CounterCheck()
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

  /// Settings that are new. `false`: it is another device now, and this record is not of it.
  package mutating func adopt(_ new: DeviceConfig) -> Bool {
    guard isOf(new) else { return false }
    config = new
    return true
  }

  /// Whether that is the same device: another one's readings are not this one's, whatever its name.
  package func isOf(_ device: DeviceConfig) -> Bool {
    device.name == config.name && device.address == config.address && device.profile == config.profile
      && device.unit == config.unit && device.testMode == config.testMode
  }

  /// Readings of a poll that still closes its link. Its end says the rest, or takes them back.
  package mutating func note(
    _ readings: DeviceReadings, limits: Freshness.Limits, at now: Instant, wall: Date, isSynchronised: Bool = true
  ) {
    availability.advance(to: now, availableUntil: result.last.map { $0.at + limits.grace })
    before = before ?? result
    take(readings, at: now, wall: wall, isSynchronised: isSynchronised)
  }

  /// Counters are held against those of the poll before this one, so that one poll counts once.
  private mutating func take(_ readings: DeviceReadings, at now: Instant, wall: Date, isSynchronised: Bool) {
    var counters = (before ?? result).counters
    let passed = counters.pass(readings)
    result = Result(
      last: Last(readings: passed, at: now, wall: wall, isSynchronised: isSynchronised), succeeded: true, counters: counters)
  }

  /// What a poll that ended `now` brought for this device. A poll that was stopped by us says nothing about it.
  package mutating func note(
    _ outcome: PollOutcome, limits: Freshness.Limits, at now: Instant, wall: Date, isSynchronised: Bool = true
  ) {
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
      let told = before == nil ? nil : result.last
      take(readings, at: now - age, wall: wall - age.seconds, isSynchronised: isSynchronised)
      // They were told when they came: that is when they were read.
      if let told, told.readings == result.last?.readings { result.last = told }
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
    let share = availability.share(at: now, availableUntil: last.map { $0.at + limits.grace })
    return DeviceStatus(
      name: config.name, address: config.address, unit: config.unit, profile: last?.readings.profile ?? config.profile,
      confidence: config.profile == DeviceConfig.automatic ? last?.readings.confidence : nil, model: last?.readings.model,
      status: freshness.status, available: freshness.isAvailable, testMode: config.testMode, age: last.map { now - $0.at },
      readAt: last?.wall, readings: freshness.isAvailable ? last?.readings.readings ?? [:] : [:],
      rawSign: freshness.isAvailable ? last?.readings.rawSign ?? [] : [],
      implausible: freshness.isAvailable ? last?.readings.implausible ?? [] : [],
      derived: freshness.isAvailable ? last?.readings.derived ?? [] : [], failure: result.failure,
      successRate: rate.share, availability: share, connectMs: connectMs, connectMsMean: connectTimes.mean,
      pollMs: pollMs, consecutiveFailures: result.consecutiveFailures, deadline: deadline, rssi: rssi, link: link)
  }
}

extension DeviceRecord {
  /// What a later process needs of it: the last real readings, and the measures that reach back.
  package struct Keepsake: Equatable, Sendable, Codable {
    /// The device that it is of. Readings of another one are not believed.
    var address: Address
    var profile: String
    var unit: UInt8?
    var testMode: Bool
    var readings: DeviceReadings?
    var readAt: Timestamp?
    /// The last accepted value of each lifetime counter.
    var counters: [String: Double]?
    var consecutiveFailures: Int
    var polls: String
    var availability: AvailabilityRecord.Keepsake

    private enum CodingKeys: String, CodingKey {
      case address, profile, unit, readings, counters, polls, availability
      case testMode = "test_mode"
      case readAt = "read_at"
      case consecutiveFailures = "consecutive_failures"
    }
  }

  package func keepsake(_ clock: ClockReading) -> Keepsake {
    Keepsake(
      address: config.address, profile: config.profile, unit: config.unit, testMode: config.testMode,
      readings: result.last?.readings,
      readAt: result.last.map { clock.stamp(of: $0.at, wall: $0.wall, isSynchronised: $0.isSynchronised) },
      counters: result.counters.accepted, consecutiveFailures: result.consecutiveFailures, polls: rate.text,
      availability: availability.keepsake(clock))
  }

  /// Readings that are older when a process starts are nobody's: their age shall stay one that its clients believe.
  private static let oldest = Duration.seconds(5 * 365 * 86_400)

  /// As an earlier process left it. Never `connected` before a success of our own; of readings whose age nobody knows nothing is
  /// shown.
  package init(_ config: DeviceConfig, keepsake: Keepsake, clock: ClockReading) {
    self.init(config, start: clock.instant)
    guard keepsake.address == config.address, keepsake.profile == config.profile, keepsake.unit == config.unit,
      keepsake.testMode == config.testMode
    else { return }
    result.consecutiveFailures = min(max(0, keepsake.consecutiveFailures), 1_000_000_000)
    rate = SuccessRate(text: keepsake.polls)
    availability = AvailabilityRecord(keepsake.availability, clock: clock)
    result.counters = CounterCheck(accepted: keepsake.counters ?? [:])
    guard let readings = keepsake.readings, readings.device == config.name, let readAt = keepsake.readAt,
      let at = clock.instant(of: readAt), (.zero...Self.oldest).contains(clock.instant - at)
    else { return }
    // For people: by the clock of now where that one was not known to be right.
    let wall = readAt.isSynchronised ? readAt.wall : clock.stamp.wall.addingTimeInterval((at - clock.instant).seconds)
    result.last = Last(readings: readings, at: at, wall: wall, isSynchronised: readAt.isSynchronised)
  }
}
