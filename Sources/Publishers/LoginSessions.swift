import Policy

/// Who has logged in, by the secret word in his cookie. It is not the token, and outlives no restart.
struct LoginSessions {
  static let lifetime = Duration.seconds(30 * 86_400)
  /// Of more the oldest is forgotten.
  static let kept = 64

  private var opened: [String: Instant] = [:]

  /// Begins one; its word.
  mutating func open(at now: Instant) -> String {
    if opened.count >= Self.kept, let oldest = opened.min(by: { $0.value < $1.value }) { opened[oldest.key] = nil }
    // The system's generator asks the kernel, each time.
    let word = (0..<4).map { _ in
      let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
    opened[word] = now
    return word
  }

  func isOpen(_ word: String, at now: Instant) -> Bool {
    opened[word].map { now < $0 + Self.lifetime } ?? false
  }
}
