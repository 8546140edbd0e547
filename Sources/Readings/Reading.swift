import FoundationEssentials

/// One value as it was read: a number at its register's own precision, or a word. A missing value has no `Reading`.
package struct Reading: Equatable, Sendable {
  package enum Value: Equatable, Sendable {
    /// The raw register divided by a power of ten: 524 / 10 = 52.4, the double that prints as 52.4.
    case number(Double)
    case text(String)
  }

  package var value: Value
  /// The unit's symbol (`V`, `A`, `Hz`, `°C`, `%` ...), or `nil` for words and counts.
  package var unit: String?

  package init(_ value: Value, unit: String? = nil) {
    self.value = value
    self.unit = unit
  }
}

extension Reading: Codable {
  private enum Key: String, CodingKey { case value, unit }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    unit = try fields.decodeIfPresent(String.self, forKey: .unit)
    if let unit, unit.utf8.count > 16 {
      throw DecodingError.dataCorruptedError(forKey: .unit, in: fields, debugDescription: "a unit of more than 16 bytes")
    }
    if let number = try? fields.decode(Double.self, forKey: .value) {
      guard number.magnitude <= Wire.maxMagnitude else {
        throw DecodingError.dataCorruptedError(
          forKey: .value, in: fields, debugDescription: "\(number) is beyond anything that is measured")
      }
      value = .number(number)
    } else {
      let text = try fields.decode(String.self, forKey: .value)
      guard text == Printable.text(text, maxBytes: Wire.maxTextBytes) else {
        throw DecodingError.dataCorruptedError(
          forKey: .value, in: fields,
          debugDescription: "a text of more than \(Wire.maxTextBytes) bytes, or with control characters")
      }
      value = .text(text)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    switch value {
    case .number(let number): try fields.encode(number, forKey: .value)
    case .text(let text): try fields.encode(text, forKey: .value)
    }
    try fields.encode(unit, forKey: .unit)
  }
}
