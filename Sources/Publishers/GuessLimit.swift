import Glibc
import Policy

/// How many wrong tokens one place may offer: a few at once, then one a while.
struct GuessLimit {
  static let atOnce = 5
  static let each = Duration.seconds(10)
  /// Places that are remembered; of more the one that is nearest to being forgiven is forgotten.
  static let maxPlaces = 256

  /// By place, when all is forgiven.
  private var forgiven: [String: Instant] = [:]

  /// Whence somebody comes, by his address as text: of one of IPv6 the network of 64 bits, for who has one address has all of them.
  static func place(of address: String) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    let text = address.prefix { $0 != "%" }
    guard !address.hasPrefix("::ffff:"), inet_pton(AF_INET6, String(text), &bytes) == 1 else { return address }
    return bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
  }

  /// Whether it may offer one more.
  func allows(_ place: String, at now: Instant) -> Bool {
    guard let forgiven = forgiven[place] else { return true }
    return forgiven <= now + Self.each * (Self.atOnce - 1)
  }

  mutating func noteWrong(_ place: String, at now: Instant) {
    if forgiven[place] == nil, forgiven.count >= Self.maxPlaces, let first = forgiven.min(by: { $0.value < $1.value }) {
      forgiven[first.key] = nil
    }
    forgiven[place] = max(forgiven[place] ?? now, now) + Self.each
  }
}
