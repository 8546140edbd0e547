import FoundationEssentials

/// A Bluetooth device address, upper case with colons: `D8:B6:73:BF:4F:75`.
package struct Address: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// `nil` where it is not six hexadecimal pairs with colons.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6, parts.allSatisfy({ $0.utf8.count == 2 && $0.allSatisfy { $0.isASCII && $0.isHexDigit } }) else {
      return nil
    }
    self.text = text.uppercased()
  }

  package var description: String { text }
}

extension Address: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let address = Address(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text.prefix(40))' is not a Bluetooth address like D8:B6:73:BF:4F:75")
    }
    self = address
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
