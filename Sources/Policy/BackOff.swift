/// How long after the start of a poll the next one starts.
package struct BackOff: Equatable, Sendable {
  /// Failures in a row without any: one bad moment must not cost the next reading.
  package var after: Int
  /// A module that comes back is read again this soon; the interval itself where that is longer.
  package var longest: Duration

  package init(after: Int = 2, longest: Duration = .seconds(300)) {
    self.after = after
    self.longest = longest
  }

  /// From the failure that follows `after` on the interval doubles with each, with 10 % jitter.
  ///
  /// - Parameter jitter: -1...1, from whoever has dice.
  package func pause(interval: Duration, failures: Int, jitter: Double) -> Duration {
    guard failures > after else { return interval }
    // 2^6 times the smallest interval is over the cap already; 2^20 times any is.
    let doubled = interval * (1 << min(failures - after, 20))
    let spread = doubled + doubled / 10 * min(max(jitter, -1), 1)
    return min(spread, max(interval, longest))
  }

  /// Whether it does not get slower any more.
  package func isSlowest(interval: Duration, failures: Int) -> Bool {
    failures > after && interval * (1 << min(failures - after, 20)) >= max(interval, longest)
  }
}
