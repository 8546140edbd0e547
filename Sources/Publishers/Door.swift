import HTTPTypes
import MQTT
import Policy
import Synchronization

/// Who may read over TCP: this host's own browsers and programs, or whoever has the token.
final class Door: Sendable {
  static let scheme = "Bearer"
  private static let cookie = "blupow"

  private struct State {
    var guesses = GuessLimit()
    var sessions = LoginSessions()
  }

  private let token: Secret?
  private let state = Mutex(State())

  init(token: Secret?) { self.token = token }

  var asksForToken: Bool { token != nil }

  // MARK: Pages of others

  /// What a page of somebody else's has a browser on this host ask; `nil`: it is not that.
  func misled(_ request: HTTPRequest) -> Answer? {
    if token == nil, !Self.isOwn(request.authority) {
      return .error(
        .misdirectedRequest,
        "This is for the host itself: ask for it at 127.0.0.1, [::1] or localhost. Any other name could be somebody else's (DNS rebinding); where names are needed, set http.token_file."
      )
    }
    guard Self.isForeign(request) else { return nil }
    return .error(.forbidden, "A page of another site asks for this.")
  }

  /// Without the port: through a tunnel it is another one, and it is not by the port that a foreign page is told.
  private static func isOwn(_ authority: String?) -> Bool {
    guard let authority else { return false }
    let hasPort = authority.last != "]" && authority.contains(":")
    let name = hasPort ? authority[..<(authority.lastIndex(of: ":") ?? authority.endIndex)] : authority[...]
    return HTTPSettings.isLoopback(name.lowercased())
  }

  /// By what browsers say, and no page can change. A link to here that a person follows is not a page's question.
  private static func isForeign(_ request: HTTPRequest) -> Bool {
    if let site = request.headerFields[.secFetchSite] {
      let isFollowed =
        request.method == .get && request.headerFields[.secFetchMode] == "navigate"
        && request.headerFields[.secFetchDest] == "document"
      return site != "same-origin" && site != "none" && !isFollowed
    }
    guard let origin = request.headerFields[.origin] else { return false }
    // Behind a proxy with a certificate it is https.
    return !["http", "https"].contains { origin == "\($0)://\(request.authority ?? "")" }
  }

  // MARK: The token

  private enum Word { case right, wrong, tooMany }

  /// `nil`: he may read. One who may not gets the form where he would have got a page.
  ///
  /// - Parameter place: whence he asks.
  func refusal(_ request: HTTPRequest, from place: ClientPlace, forPage isPage: Bool) -> Answer? {
    guard token != nil else { return nil }
    if let word = session(in: request), state.withLock({ $0.sessions.isOpen(word, at: ContinuousClock.now) }) { return nil }
    if let offered = Self.bearer(in: request) {
      switch judge(offered, from: place) {
      case .right: return nil
      case .tooMany: return Self.tooMany(.error(.tooManyRequests, Self.pause))
      case .wrong: break
      }
    }
    if isPage { return LoginPage.answer(.unauthorized, "The token is in the file that <code>http.token_file</code> names.") }
    return .error(
      .unauthorized,
      "This takes the token of http.token_file, as `Authorization: Bearer TOKEN`; a browser asks at \(LoginPage.path).",
      fields: [.wwwAuthenticate: Self.scheme])
  }

  /// The form, filled in.
  func login(_ body: [UInt8], from place: ClientPlace) -> Answer {
    switch judge(LoginPage.token(in: body) ?? "", from: place) {
    case .right:
      let word = state.withLock { $0.sessions.open(at: ContinuousClock.now) }
      let life = LoginSessions.lifetime.components.seconds
      return Answer(
        .seeOther, [UInt8](),
        fields: [
          .location: "/", .setCookie: "\(Self.cookie)=\(word); Path=/; Max-Age=\(life); HttpOnly; SameSite=Strict",
        ])
    case .wrong: return LoginPage.answer(.unauthorized, "That is not the token.")
    case .tooMany: return Self.tooMany(LoginPage.answer(.tooManyRequests, Self.pause))
    }
  }

  private static let pause = "Too many wrong tokens came from there. Try again in \(GuessLimit.each.components.seconds) seconds."

  private static func tooMany(_ answer: Answer) -> Answer {
    var answer = answer
    answer.fields[.retryAfter] = "\(GuessLimit.each.components.seconds)"
    return answer
  }

  /// A right one is taken however many were wrong: behind a proxy everybody comes from one place, and nobody guesses 16 bytes.
  private func judge(_ offered: String, from place: ClientPlace) -> Word {
    let now = ContinuousClock.now
    return state.withLock { state in
      if let token, Self.isSame(offered, token.text) { return .right }
      guard state.guesses.allows(place, at: now) else { return .tooMany }
      state.guesses.noteWrong(place, at: now)
      return .wrong
    }
  }

  /// In a time that does not say where they differ.
  private static func isSame(_ offered: String, _ token: String) -> Bool {
    let (offered, token) = (Array(offered.utf8), Array(token.utf8))
    guard !token.isEmpty else { return false }
    var difference = offered.count ^ token.count
    for (index, byte) in offered.enumerated() { difference |= Int(byte ^ token[index % token.count]) }
    return difference == 0
  }

  private static func bearer(in request: HTTPRequest) -> String? {
    guard let words = request.headerFields[.authorization]?.split(separator: " ", maxSplits: 1), words.count == 2,
      words[0].lowercased() == scheme.lowercased()
    else { return nil }
    return String(words[1])
  }

  private func session(in request: HTTPRequest) -> String? {
    let cookies = request.headerFields[.cookie]?.split(separator: ";").map { $0.drop { $0 == " " } } ?? []
    return cookies.first { $0.hasPrefix("\(Self.cookie)=") }.map { String($0.dropFirst(Self.cookie.count + 1)) }
  }
}

extension HTTPField.Name {
  static let secFetchSite = known("Sec-Fetch-Site")
  static let secFetchMode = known("Sec-Fetch-Mode")
  static let secFetchDest = known("Sec-Fetch-Dest")
  static let referrerPolicy = known("Referrer-Policy")
  static let frameless = known("X-Frame-Options")
  static let openerPolicy = known("Cross-Origin-Opener-Policy")
  static let resourcePolicy = known("Cross-Origin-Resource-Policy")

  private static func known(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is a header's name") }
    return name
  }
}
