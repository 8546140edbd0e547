import HTTPTypes
import HummingbirdCore
import NIOCore
import Policy

/// What is asked over TCP, and what it gets (`protocol/http.md`).
struct WebRoutes: Sendable {
  let source: WebSource
  let door: Door
  let feed: StatusFeed

  /// What every answer has: nobody's scripts but the page's own, nothing in somebody's frame, and nothing kept.
  static let fields: HTTPFields = [
    .contentSecurityPolicy:
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer", .frameless: "DENY", .openerPolicy: "same-origin",
    .resourcePolicy: "same-origin", .cacheControl: "no-store",
  ]

  /// Throws where the request does not come to its end.
  func answer(_ request: HummingbirdCore.Request, from channel: any Channel) async throws -> Answer {
    let parts = (request.head.path ?? "").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts.first.map(String.init) ?? ""
    if let answer = door.misled(request.head) { return answer }
    let place = ClientPlace(address: channel.remoteAddress?.ipAddress ?? "")
    if path == LoginPage.path, door.asksForToken { return try await login(request, from: place) }
    if let refusal = door.refusal(request.head, from: place, forPage: source.assets[path]?.isPage ?? (path == "/")) {
      return refusal
    }
    guard request.method == .get || request.method == .head else {
      return .error(
        .methodNotAllowed, "Everything here is read, with GET; a poll is asked for at the service's socket.", allow: "GET, HEAD")
    }
    guard let query = WebQuery.parse(parts.count > 1 ? String(parts[1]) : "") else {
      return .wrong("What follows the ? cannot be read, or says one thing twice.")
    }
    return await answer(path, query, isHead: request.method == .head, from: place)
  }

  private func answer(_ path: String, _ query: [String: String], isHead: Bool, from place: ClientPlace) async -> Answer {
    switch path {
    case "/api/status": return .json(await source.status().forOthers)
    case "/api/events": return .json(EventDocument(await source.events()))
    case "/metrics":
      let text = FleetMetrics.text(await source.status(), counts: await source.counts())
      return Answer(.ok, Array(text.utf8), as: Exposition.contentType)
    case "/api/stream": return await stream(isHead: isHead, from: place)
    default:
      if let asset = source.assets[path] { return Answer(.ok, asset.bytes, as: asset.contentType) }
      if let route = source.routes[path] { return await route(query, place) }
      let paths = (["/api/status", "/api/events", "/api/stream", "/metrics"] + source.assets.keys + source.routes.keys).sorted()
      return .error(.notFound, "There is nothing at '\(path.prefix(200))'; there are \(paths.joined(separator: ", ")).")
    }
  }

  private func stream(isHead: Bool, from place: ClientPlace) async -> Answer {
    let type = "text/event-stream"
    if isHead { return Answer(.ok, [UInt8](), as: type) }
    do throws(StatusFeed.Refusal) {
      return Answer(.ok, .stream(try await feed.join(from: place, source.status)), as: type)
    } catch {
      return .unavailable(error.sentence)
    }
  }

  private func login(_ request: HummingbirdCore.Request, from place: ClientPlace) async throws -> Answer {
    switch request.method {
    case .get, .head: return LoginPage.answer(.ok, "The token is in the file that <code>http.token_file</code> names.")
    case .post:
      switch try await request.bytes(atMost: LoginPage.maxBodyBytes) {
      case .success(let body): return door.login(body, from: place)
      case .failure(let refusal): return refusal.answer
      }
    default: return .error(.methodNotAllowed, "The token is sent with POST.", allow: "GET, HEAD, POST")
    }
  }
}

extension WebSource.Asset {
  var isPage: Bool { contentType.hasPrefix("text/html") }
}
