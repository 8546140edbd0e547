import Policy
import Synchronization

/// When the gateway was told to end. All is over 4.5 s later: 2 s of grace for a worker, what is left for its release.
final class Stopping: Sendable {
  /// After the beginning; then a release is told to end too.
  static let releasesUntil = Duration.milliseconds(3700)
  static let releaseGrace = Duration.milliseconds(300)

  private let beginning = Mutex<Instant?>(nil)

  /// Notes the first call's time, and gives it.
  @discardableResult func begin() -> Instant {
    beginning.withLock { beginning in
      let first = beginning ?? .now
      beginning = first
      return first
    }
  }

  var hasBegun: Bool { began != nil }

  /// When, if it was.
  var began: Instant? { beginning.withLock { $0 } }
}
