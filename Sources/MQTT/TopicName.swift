/// A topic that can be published to: no wildcard, no NUL, not one of the broker's own (`$...`).
package struct TopicName: Hashable, Sendable, CustomStringConvertible {
  /// In UTF-8; the protocol would take 65,535.
  package static let maxBytes = 1024

  package let description: String

  package init?(_ text: String) {
    let bytes = text.utf8
    guard (1...Self.maxBytes).contains(bytes.count), !text.hasPrefix("$"),
      !text.unicodeScalars.contains(where: { $0 == "+" || $0 == "#" || $0.value < 0x20 || $0.value == 0x7F })
    else { return nil }
    description = text
  }

  private init(unchecked text: String) { description = text }

  /// A topic below this one.
  package func below(_ levels: TopicLevel...) -> TopicName {
    TopicName(unchecked: ([description] + levels.map(\.description)).joined(separator: "/"))
  }
}
