extension Double {
  /// The double that prints with no more digits than `1 / parts` has.
  package func rounded(to parts: Double) -> Double { (self * parts).rounded() / parts }
}
