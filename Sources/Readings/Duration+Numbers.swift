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

extension Duration {
  /// `8.0 s`, for sentences.
  package var shortSeconds: String {
    let tenths = (milliseconds + 50) / 100
    return "\(tenths / 10).\(tenths % 10) s"
  }

  /// Reads `500ms`, `25s`, `5m`, `2h`, `90d` or plain seconds; `nil` for anything else, and for what no setting needs.
  package init?(text: String) {
    let units: [(suffix: String, milliseconds: Int64)] = [
      ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
    let unit = units.first { text.hasSuffix($0.suffix) }
    let digits = text.dropLast(unit?.suffix.count ?? 0)
    guard let count = Int64(digits), count >= 0, digits.first != "+" else { return nil }
    let (product, overflow) = count.multipliedReportingOverflow(by: unit?.milliseconds ?? 1000)
    guard !overflow, product <= 3_650 * 86_400_000 else { return nil }
    self = .milliseconds(product)
  }
}
