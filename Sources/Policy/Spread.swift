/// The middle and the slow end of some numbers.
package struct Spread: Equatable, Sendable {
  package let mean: Double
  package let p50: Double
  package let p95: Double

  /// `nil`: there are none. The percentiles are numbers that were there (nearest rank): of up to 19 the 95th is the largest.
  package init?(_ numbers: [Double]) {
    guard !numbers.isEmpty else { return nil }
    let sorted = numbers.sorted()
    func percentile(_ percent: Int) -> Double { sorted[(percent * sorted.count + 99) / 100 - 1] }
    mean = numbers.reduce(0, +) / Double(numbers.count)
    p50 = percentile(50)
    p95 = percentile(95)
  }
}
