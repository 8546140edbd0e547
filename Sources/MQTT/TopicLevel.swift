/// One level of a topic, of letters, digits, `-` and `_`: what Home Assistant takes for an id, and every broker for a topic.
package struct TopicLevel: Hashable, Sendable, CustomStringConvertible {
  package static let maxBytes = 128

  package let description: String

  package init?(_ text: String) {
    guard (1...Self.maxBytes).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
    description = text
  }

  private init(unchecked text: String) { description = text }

  /// The words of a name in lower case, with `_` for what stands between them. `nil`: nothing of it can be kept.
  package init?(wordsOf name: String) {
    let words = name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
      .split { !(0x61...0x7A).contains($0) && !(0x30...0x39).contains($0) }
    let text = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "_")
    self.init(text)
  }

  /// Both, with `_` between them.
  package func with(_ other: TopicLevel) -> TopicLevel { TopicLevel(unchecked: "\(description)_\(other.description)") }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
  }
}
