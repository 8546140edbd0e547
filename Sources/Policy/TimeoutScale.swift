/// How long one poll may take, launch to exit.
package enum TimeoutScale: Equatable, Sendable {
  /// Grows with the module's failures in a row: 25, 25, 25, 40, 45, 45 ... seconds.
  case automatic
  /// What the user chose.
  case fixed(Duration)

  /// What a user may choose.
  package static let fixedLimits = Duration.seconds(10)...Duration.seconds(60)
  package static let base = Duration.seconds(25)
  package static let longest = Duration.seconds(45)

  package func deadline(afterFailures failures: Int) -> Duration {
    switch self {
    case .fixed(let duration): min(max(duration, Self.fixedLimits.lowerBound), Self.fixedLimits.upperBound)
    case .automatic where failures <= 2: Self.base
    // Beyond 4 it is the longest in any case, and the product cannot overflow.
    case .automatic: min(Self.base + .seconds(5 * min(failures, 10)), Self.longest)
    }
  }
}
