/// When a file that fails is to be set aside and another begun.
struct Renewal {
  /// Failures in a row by the file itself.
  static let limit = 3
  /// Another file is begun no more often: a disk that fails every one would push out what was set aside first.
  static let pause = Duration.seconds(3600)

  private var failures = 0
  private var next: ContinuousClock.Instant?

  mutating func noteSuccess() { failures = 0 }

  mutating func isDue(after failure: StoreError, at now: ContinuousClock.Instant) -> Bool {
    failures = failure.needsNewFile ? failures + 1 : 0
    guard failures >= Self.limit, next.map({ now >= $0 }) ?? true else { return false }
    next = now + Self.pause
    failures = 0
    return true
  }
}
