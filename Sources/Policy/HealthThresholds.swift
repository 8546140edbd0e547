/// When a check of the running service is a warning, and when critical.
package struct HealthThresholds: Equatable, Sendable {
  /// A success rate below it is a warning. 0...1.
  package var successRate: Double
  /// That many failures in a row are a warning.
  package var warningFailures: Int
  /// That many are critical.
  package var criticalFailures: Int
  /// A device is not judged while the service is younger than so many of its intervals.
  package var startingIntervals: Int

  package init(successRate: Double = 0.8, warningFailures: Int = 3, criticalFailures: Int = 5, startingIntervals: Int = 2) {
    self.successRate = successRate
    self.warningFailures = warningFailures
    self.criticalFailures = criticalFailures
    self.startingIntervals = startingIntervals
  }
}
