package import FoundationEssentials

extension Date {
  /// `2026-07-14T03:33:20.250Z`, to the nearest millisecond: the style cuts, and a time that was read would lose one each time.
  package var rfc3339: String { addingTimeInterval(0.0005).formatted(Self.style) }

  init(rfc3339 text: String) throws { self = try Date(text, strategy: Self.style) }

  private static let style = ISO8601FormatStyle(includingFractionalSeconds: true)
}
