import Policy
import Synchronization

/// When the gateway was told to end. All is over 4.5 s later: 2 s of grace for a worker, what is left for its release.
final class Stopping: Sendable {
  /// After the beginning; then a release is told to end too.
  static let releasesUntil = Duration.milliseconds(3700)
  static let releaseGrace = Duration.milliseconds(300)

  private let began = Mutex<Instant?>(nil)

  /// Notes the first call's time, and gives it.
  @discardableResult func begin() -> Instant {
    began.withLock { began in
      let first = began ?? .now
      began = first
      return first
    }
  }

  var hasBegun: Bool { began.withLock { $0 != nil } }
}
