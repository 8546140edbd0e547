import Readings

/// Numbers of another process's document. What no service can mean is a decoding error, before anybody reckons with it.
extension KeyedDecodingContainer {
  /// In seconds, up to ten years.
  func time(_ key: Key) throws -> Duration {
    .seconds(try checked(try decode(Double.self, forKey: key), key, 0...Measures.longest))
  }

  func timeIfPresent(_ key: Key) throws -> Duration? {
    try decodeIfPresent(Double.self, forKey: key).map { .seconds(try checked($0, key, 0...Measures.longest)) }
  }

  /// Up to ten years.
  func millisecondsIfPresent<Number: Decodable & Comparable & Numeric>(_ type: Number.Type, _ key: Key) throws -> Number? {
    try decodeIfPresent(type, forKey: key).map { try checked($0, key, 0...Measures.longestMs()) }
  }

  /// 0...1.
  func shareIfPresent(_ key: Key) throws -> Double? {
    try decodeIfPresent(Double.self, forKey: key).map { try checked($0, key, 0...1) }
  }

  func count(_ key: Key) throws -> Int { try checked(try decode(Int.self, forKey: key), key, 0...Measures.most) }

  func countIfPresent(_ key: Key) throws -> Int? {
    try decodeIfPresent(Int.self, forKey: key).map { try checked($0, key, 0...Measures.most) }
  }

  private func checked<Number: Comparable>(_ number: Number, _ key: Key, _ range: ClosedRange<Number>) throws -> Number {
    guard range.contains(number) else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "\(number) is not within \(range.lowerBound)...\(range.upperBound)")
    }
    return number
  }
}

private enum Measures {
  /// Seconds.
  static let longest = 3_650 * 86_400.0
  static let most = 1_000_000_000_000

  static func longestMs<Number: Numeric>() -> Number { 3_650 * 86_400 * 1000 }
}
