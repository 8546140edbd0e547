import Policy

/// How many wrong tokens one place may offer: a few at once, then one a while.
struct GuessLimit {
  static let atOnce = 5
  static let each = Duration.seconds(10)
  /// Places that are remembered; of more the one that is nearest to being forgiven is forgotten.
  static let maxPlaces = 256

  /// By place, when all is forgiven.
  private var forgiven: [ClientPlace: Instant] = [:]

  /// Whether it may offer one more.
  func allows(_ place: ClientPlace, at now: Instant) -> Bool {
    guard let forgiven = forgiven[place] else { return true }
    return forgiven <= now + Self.each * (Self.atOnce - 1)
  }

  mutating func noteWrong(_ place: ClientPlace, at now: Instant) {
    if forgiven[place] == nil, forgiven.count >= Self.maxPlaces, let first = forgiven.min(by: { $0.value < $1.value }) {
      forgiven[first.key] = nil
    }
    forgiven[place] = max(forgiven[place] ?? now, now) + Self.each
  }
}
