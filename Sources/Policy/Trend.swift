/// Whether a series of numbers rises: the Mann-Kendall test, which asks for no distribution and no straight line, and Sen's slope
/// for how much.
///
/// H. B. Mann, Econometrica 13 (1945) 245; M. G. Kendall, Rank Correlation Methods, 4th ed. (1975); P. K. Sen, Journal of the American
/// Statistical Association 63 (1968) 1379. Both, with ties and the correction for continuity, in R. O. Gilbert, Statistical Methods for
/// Environmental Pollution Monitoring (1987), chapter 16.
package struct Trend: Equatable, Sendable {
  package struct Point: Equatable, Sendable {
    /// When, in whatever steps.
    package var step: Int
    package var value: Double

    package init(_ step: Int, _ value: Double) {
      self.step = step
      self.value = value
    }
  }

  /// Of fewer numbers not even a strict order would be significant.
  package static let leastPoints = 4
  /// One-sided, 5 %: the normal distribution's quantile. At four points, where the approximation is worst, the only order above it is the
  /// strict one, which has an exact chance of 1 in 24.
  package static let significant = 1.645

  /// Mann and Kendall's S: pairs that rise, less pairs that fall.
  package let score: Int
  /// S in standard deviations, were there no trend.
  package let z: Double
  /// Sen's slope: the median of all pairs' slopes, in the value's unit a step.
  package let slope: Double
  /// By that slope, from the first step to the last.
  package let rise: Double

  /// `nil`: too few points. They come in the order of their steps, no two of one.
  package init?(_ points: [Point]) {
    guard points.count >= Self.leastPoints, let first = points.first, let last = points.last else { return nil }
    var score = 0
    var slopes: [Double] = []
    for (number, later) in points.enumerated() {
      for earlier in points[..<number] {
        score += later.value > earlier.value ? 1 : later.value < earlier.value ? -1 : 0
        slopes.append((later.value - earlier.value) / Double(later.step - earlier.step))
      }
    }
    self.score = score
    let variance = Self.variance(points.map(\.value))
    // One is what the score is at least apart from the next one's middle: the correction for continuity.
    z = variance > 0 ? Double(score - score.signum()) / variance.squareRoot() : 0
    slope = Self.median(slopes)
    rise = slope * Double(last.step - first.step)
  }

  package var isSignificantlyUpward: Bool { z > Self.significant }

  /// Of the score, were there no trend. Equal values can be in no order, and take from it.
  private static func variance(_ values: [Double]) -> Double {
    func weight(_ count: Int) -> Int { count * (count - 1) * (2 * count + 5) }
    let ties = Dictionary(grouping: values) { $0 }.values.map { weight($0.count) }.reduce(0, +)
    return Double(weight(values.count) - ties) / 18
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
