import Readings

/// For how much of the last 24 hours a device was available. In five-minute buckets: at most 289, however long it runs.
package struct AvailabilityRecord: Equatable, Sendable {
  struct Bucket: Equatable {
    var number: Int64
    var known: Duration
    var available: Duration
  }

  package static let bucket = Duration.seconds(300)
  private static let window: Int64 = 288

  private let start: Instant
  private var until: Instant
  private var buckets: [Bucket] = []
  /// Of all buckets together.
  private var known = Duration.zero
  private var available = Duration.zero

  /// Knows nothing before `start`.
  package init(start: Instant) {
    self.start = start
    until = start
  }

  /// Notes the time since the last call: available up to `end`, not available after it.
  package mutating func advance(to now: Instant, availableUntil end: Instant?) {
    guard now > until else { return }
    let oldest = number(of: now) - Self.window
    // What would be forgotten at once need not be gone through.
    if number(of: until) < oldest { until = start + Self.bucket * Int(oldest) }
    while until < now {
      let number = number(of: until)
      let stop = min(now, start + Self.bucket * Int(number + 1))
      add(stop - until, Self.available(from: until, to: stop, end), to: number)
      until = stop
    }
    while let first = buckets.first, first.number < oldest {
      known -= first.known
      available -= first.available
      buckets.removeFirst()
    }
  }

  private mutating func add(_ known: Duration, _ available: Duration, to number: Int64) {
    if buckets.last?.number != number { buckets.append(Bucket(number: number, known: .zero, available: .zero)) }
    buckets[buckets.count - 1].known += known
    buckets[buckets.count - 1].available += available
    self.known += known
    self.available += available
  }

  private static func available(from: Instant, to: Instant, _ end: Instant?) -> Duration {
    end.map { max(.zero, min($0, to) - from) } ?? .zero
  }

  /// 0...1, or `nil` while nothing is known.
  package var share: Double? { known > .zero ? available / known : nil }

  /// What `share` would be after `advance`.
  package func share(at now: Instant, availableUntil end: Instant?) -> Double? {
    // Within a bucket there is nothing to be forgotten: asked for every second, of hundreds of devices, this is worth its lines.
    guard now > until, number(of: now) == number(of: until) else {
      var later = self
      later.advance(to: now, availableUntil: end)
      return later.share
    }
    return (available + Self.available(from: until, to: now, end)) / (known + (now - until))
  }

  package var bucketCount: Int { buckets.count }

  private func number(of instant: Instant) -> Int64 {
    (instant - start).components.seconds / Self.bucket.components.seconds
  }
}

extension AvailabilityRecord {
  /// What a later process needs of it.
  package struct Keepsake: Equatable, Sendable, Codable {
    /// Up to when it knows.
    var until: Timestamp
    /// From the record's start to there, in milliseconds.
    var sinceStart: Int64
    /// Of each bucket its number, and the milliseconds known and available.
    var buckets: [[Int64]]

    private enum CodingKeys: String, CodingKey {
      case until, buckets
      case sinceStart = "since_start_ms"
    }
  }

  package func keepsake(_ clock: ClockReading) -> Keepsake {
    Keepsake(
      until: clock.stamp(of: until), sinceStart: (until - start).milliseconds,
      buckets: buckets.map { [$0.number, $0.known.milliseconds, $0.available.milliseconds] })
  }

  /// As it was left; of the time since then nothing is known. From nothing where it is not known how long ago that was.
  package init(_ keepsake: Keepsake, clock: ClockReading) {
    self.init(start: clock.instant)
    let length = Self.bucket.milliseconds
    guard let until = clock.instant(of: keepsake.until), until <= clock.instant, clock.instant - until < .seconds(86_400),
      (0...1000 * 366 * 86_400_000).contains(keepsake.sinceStart), keepsake.buckets.count <= Self.window + 1
    else { return }
    var read: [Bucket] = []
    for bucket in keepsake.buckets {
      guard bucket.count == 3, (read.last?.number ?? -1) < bucket[0], bucket[0] <= keepsake.sinceStart / length,
        (0...length).contains(bucket[1]), (0...bucket[1]).contains(bucket[2])
      else { return }
      read.append(
        Bucket(number: bucket[0], known: .milliseconds(bucket[1]), available: .milliseconds(bucket[2])))
    }
    let start = until - .milliseconds(keepsake.sinceStart)
    let oldest = (clock.instant - start).components.seconds / Self.bucket.components.seconds - Self.window
    self = AvailabilityRecord(start: start, until: clock.instant, buckets: read.filter { $0.number >= oldest })
  }

  private init(start: Instant, until: Instant, buckets: [Bucket]) {
    self.start = start
    self.until = until
    self.buckets = buckets
    known = buckets.reduce(.zero) { $0 + $1.known }
    available = buckets.reduce(.zero) { $0 + $1.available }
  }
}
