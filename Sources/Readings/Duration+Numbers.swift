extension Duration {
  /// Seconds with their fraction, for JSON and people.
  package var seconds: Double {
    // One division of whole microseconds: adding a fraction to the seconds would print 1.118 as 1.1179999999999999.
    (Double(components.seconds) * 1e6 + Double(components.attoseconds / 1_000_000_000_000)) / 1e6
  }

  /// Whole milliseconds; what is less than one is dropped.
  package var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
