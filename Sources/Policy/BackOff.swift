/// How long after the start of a poll the next one starts.
package enum BackOff {
  package static let longest = Duration.seconds(300)

  /// No back-off for the first two failures; from the third the interval doubles with each, with 10 % jitter.
  ///
  /// - Parameter jitter: -1...1, from whoever has dice.
  package static func pause(interval: Duration, failures: Int, jitter: Double) -> Duration {
    guard failures > 2 else { return interval }
    // 2^6 times the smallest interval is over the cap already.
    let doubled = interval * (1 << min(failures - 2, 6))
    let spread = doubled + doubled / 10 * min(max(jitter, -1), 1)
    return min(spread, max(interval, longest))
  }
}
