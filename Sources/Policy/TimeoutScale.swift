/// How long one poll may take, launch to exit.
package enum TimeoutScale: Equatable, Sendable {
  /// Grows with the module's failures in a row: `base` after up to two of them, then `step` more for each, up to `longest`.
  case growing(base: Duration, step: Duration, longest: Duration)
  /// What the user chose.
  case fixed(Duration)

  /// 25, 25, 25, 40, 45, 45 ... seconds.
  package static let automatic = TimeoutScale.growing(base: base, step: step, longest: longest)

  /// What a user may choose.
  package static let fixedLimits = Duration.seconds(10)...Duration.seconds(60)
  /// Below about 22 s a worker would be ended inside the kernel's own wait of 20 s for a connection.
  package static let base = Duration.seconds(25)
  package static let step = Duration.seconds(5)
  /// Growing beyond it cannot help a connect: the kernel itself gives up after 40 s.
  package static let longest = Duration.seconds(45)
  /// Failures in a row that change nothing yet: radio has bad moments.
  package static let patience = 2

  package func deadline(afterFailures failures: Int) -> Duration {
    switch self {
    case .fixed(let duration): min(max(duration, Self.fixedLimits.lowerBound), Self.fixedLimits.upperBound)
    case .growing(let base, _, _) where failures <= Self.patience: base
    // So many steps are over any limit, and the product cannot overflow.
    case .growing(let base, let step, let longest): min(base + step * min(failures, 1000), max(base, longest))
    }
  }
}
