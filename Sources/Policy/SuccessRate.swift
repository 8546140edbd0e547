/// How many of the last 100 polls succeeded.
package struct SuccessRate: Equatable, Sendable {
  package static let window = 100

  private var outcomes: [Bool] = []
  private var next = 0

  package init() {}

  package mutating func note(success: Bool) {
    if outcomes.count < Self.window {
      outcomes.append(success)
    } else {
      outcomes[next] = success
      next = (next + 1) % Self.window
    }
  }

  /// 0...1, or `nil` before the first poll.
  package var share: Double? {
    outcomes.isEmpty ? nil : Double(outcomes.count { $0 }) / Double(outcomes.count)
  }
}

extension SuccessRate {
  /// The polls, oldest first: `+` or `-` each.
  package var text: String { String((outcomes[next...] + outcomes[..<next]).map { $0 ? "+" : "-" }) }

  /// What `text` said. What is none is no poll.
  package init(text: String) {
    for character in text.suffix(Self.window) where character == "+" || character == "-" { note(success: character == "+") }
  }
}
