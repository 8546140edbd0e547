package import FoundationEssentials

extension Date {
  /// `2026-07-14T03:33:20.250Z`
  package var rfc3339: String { formatted(Self.style) }

  init(rfc3339 text: String) throws { self = try Date(text, strategy: Self.style) }

  private static let style = ISO8601FormatStyle(includingFractionalSeconds: true)
}
