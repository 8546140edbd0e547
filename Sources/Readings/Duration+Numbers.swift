extension Duration {
  /// Seconds with their fraction, for JSON and people.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds / 1_000_000_000_000) / 1e6
  }

  /// Whole milliseconds, rounded down.
  package var milliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
