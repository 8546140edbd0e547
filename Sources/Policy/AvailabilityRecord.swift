/// For how much of the last 24 hours a device was available. In five-minute buckets: at most 289, however long it runs.
package struct AvailabilityRecord: Equatable, Sendable {
  private struct Bucket: Equatable {
    var number: Int64
    var known: Duration
    var available: Duration
  }

  package static let bucket = Duration.seconds(300)
  private static let window: Int64 = 288

  private let start: Instant
  private var until: Instant
  private var buckets: [Bucket] = []

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
      let available = end.map { max(.zero, min($0, stop) - until) } ?? .zero
      if buckets.last?.number != number { buckets.append(Bucket(number: number, known: .zero, available: .zero)) }
      buckets[buckets.count - 1].known += stop - until
      buckets[buckets.count - 1].available += available
      until = stop
    }
    buckets.removeAll { $0.number < oldest }
  }

  /// 0...1, or `nil` while nothing is known.
  package var share: Double? {
    let known = buckets.reduce(Duration.zero) { $0 + $1.known }
    let available = buckets.reduce(Duration.zero) { $0 + $1.available }
    return known > .zero ? available / known : nil
  }

  package var bucketCount: Int { buckets.count }

  private func number(of instant: Instant) -> Int64 {
    (instant - start).components.seconds / Self.bucket.components.seconds
  }
}
