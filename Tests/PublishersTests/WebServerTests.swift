import FoundationEssentials
import Glibc
import MQTT
import Policy
import Readings
import Rig
import Testing

@testable import Publishers

/// The listener over TCP, by real connections.
@Suite struct WebServerTests {
  private static let token = "correct-horse-battery"

  private static func guarded() -> HTTPSettings { HTTPSettings(address: "127.0.0.1", port: 0, token: Secret(token)) }

  private func status(of answer: String) -> Int? { answer.firstMatch(of: #/^HTTP/1.1 (\d+) /#).flatMap { Int($0.1) } }

  private func body(of answer: String) -> String {
    answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? ""
  }

  // MARK: What is told

  @Test(.timeLimit(.minutes(5))) func `the status is one document, without what is for the host alone`() async throws {
    var fleet = try Sample.fleet()
    fleet.places = ServicePlaces(broker: "broker.example:1883", stateDirectory: "/var/lib/blupow")
    let served = try await WebServed(fleet)
    let answer = try await served.answer("GET /api/status?now=1")
    #expect(status(of: answer) == 200)
    fleet.places = nil
    #expect(body(of: answer) == String(decoding: try Wire.line(fleet), as: UTF8.self))
    #expect(!answer.contains("broker") && !answer.contains("state_dir"))
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `the events are a document of their own`() async throws {
    let event = FleetEvent(
      Problem(.storeFailed, message: "It is full.", advice: "Make room."), at: Date(timeIntervalSince1970: 1_784_000_000))
    let served = try await WebServed(try Sample.fleet(), events: [event])
    let answer = try await served.answer("GET /api/events")
    #expect(body(of: answer) == String(decoding: try Wire.line(EventDocument([event])), as: UTF8.self))
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: ["GET /api/status", "GET /nothing", "POST /api/status", "\u{1}"])
  func `every answer has the headers that keep it from other pages`(line: String) async throws {
    let served = try await WebServed(try Sample.fleet())
    let answer = try await served.answer(line)
    for header in [
      "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "Cache-Control: no-store",
      "Cross-Origin-Resource-Policy: same-origin", "Connection: close",
    ] {
      #expect(answer.contains("\r\n\(header)\r\n"), "\(header)\n\(answer)")
    }
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `the page's files and other routes are told by their paths`() async throws {
    let served = try await WebServed(try Sample.fleet()) { source in
      source.assets["/"] = .init(contentType: "text/html; charset=utf-8", bytes: Array("<!doctype html>".utf8))
      source.routes["/api/history"] = { query in .json(query) }
    }
    let page = try await served.answer("GET /")
    #expect(status(of: page) == 200 && page.contains("Content-Type: text/html; charset=utf-8\r\n"))
    #expect(body(of: page) == "<!doctype html>")
    let route = try await served.answer("GET /api/history?device=Battery%201&key=a+b&key2=")
    #expect(body(of: route) == "{\"device\":\"Battery 1\",\"key\":\"a b\",\"key2\":\"\"}\n")
    for path in ["/../etc/passwd", "/..%2fetc/passwd", "//", "/api/status/", "*", "/%00"] {
      #expect(status(of: try await served.answer("GET \(path)")) == 404, "\(path)")
    }
    for query in ["a=1&a=2", "a=%zz"] {
      #expect(status(of: try await served.answer("GET /api/history?\(query)")) == 400, "\(query)")
    }
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `HEAD has the same head and no body`() async throws {
    let served = try await WebServed(try Sample.fleet())
    let (got, looked) = (try await served.answer("GET /api/status"), try await served.answer("HEAD /api/status"))
    #expect(body(of: looked) == "" && looked + body(of: got) == got)
    #expect(status(of: try await served.answer("HEAD /api/stream")) == 200)
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: ["POST /poll", "POST /api/poll", "POST /", "PUT /api/status", "DELETE /api/events"])
  func `nothing can be asked for but to read`(line: String) async throws {
    let served = try await WebServed(try Sample.fleet())
    let answer = try await served.answer(line, body: "{}")
    #expect(status(of: answer) == 405 && answer.contains("\r\nAllow: GET, HEAD\r\n"))
    try await served.end()
  }

  // MARK: Pages of others

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (["Host: 127.0.0.1:8420"], 200), (["Host: localhost:8420"], 200), (["Host: LOCALHOST"], 200), (["Host: [::1]:8420"], 200),
      (["Host: 127.1.2.3"], 200), (["Host: evil.example:8420"], 421), (["Host: 127.0.0.1.evil.example"], 421),
      (["Host: localhost.evil.example:8420"], 421), (["Host: 192.168.1.5:8420"], 421), (["Host: "], 421),
      (["Host: 0.0.0.0"], 421),
      (["Origin: http://127.0.0.1:PORT"], 200), (["Origin: http://127.0.0.1:1"], 403), (["Origin: https://evil.example"], 403),
      (["Origin: null"], 403), (["Sec-Fetch-Site: same-origin"], 200), (["Sec-Fetch-Site: none"], 200),
      (["Sec-Fetch-Site: cross-site"], 403), (["Sec-Fetch-Site: same-site"], 403),
      (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"], 200),
      (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"], 403),
      (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: document"], 403),
    ])
  func `a page of somebody else's gets nothing, by whatever name it asks`(headers: [String], expected: Int) async throws {
    let served = try await WebServed(try Sample.fleet())
    let own = headers.map { $0.replacing("PORT", with: "\(served.port)") }
    let answer = try await served.answer("GET /api/status", own)
    #expect(status(of: answer) == expected, "\(answer)")
    #expect(answer.contains("battery_voltage") == (expected == 200))
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `whoever does not say whom he asks gets nothing`() async throws {
    let served = try await WebServed(try Sample.fleet())
    let conversation = try Conversation(port: served.port)
    conversation.say("GET /api/status HTTP/1.1\r\n\r\n")
    #expect(try await conversation.rest()?.hasPrefix("HTTP/1.1 421 ") == true)
    try await served.end()
  }

  // MARK: The token

  @Test(.timeLimit(.minutes(5))) func `with a token nothing is told without it`() async throws {
    let served = try await WebServed(try Sample.fleet(), at: Self.guarded()) { source in
      source.assets["/"] = .init(contentType: "text/html", bytes: Array("secret".utf8))
      source.assets["/page.js"] = .init(contentType: "text/javascript", bytes: Array("secret".utf8))
      source.routes["/api/history"] = { _ in .json("secret") }
    }
    for path in ["/api/status", "/api/events", "/api/stream", "/metrics", "/page.js", "/api/history", "/nothing"] {
      for headers in [
        [], ["Authorization: Bearer wrong"], ["Authorization: Basic \(Self.token)"], ["Cookie: blupow=\(Self.token)"],
      ] {
        let answer = try await served.answer("GET \(path)", headers + ["Host: cabin.example"])
        // Of so many wrong ones the last are not looked at any more.
        #expect([401, 429].contains(status(of: answer)), "\(path) \(headers)")
        #expect(!answer.contains("secret") && !answer.contains("battery_voltage") && !answer.contains(Self.token))
      }
    }
    let page = try await served.answer("GET /")
    #expect(status(of: page) == 401 && page.contains("<form method=\"post\" action=\"/login\">") && !page.contains("secret"))
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `with it everything is, by whatever name`() async throws {
    let served = try await WebServed(try Sample.fleet(), at: Self.guarded())
    for headers in [["Authorization: Bearer \(Self.token)"], ["authorization: bearer \(Self.token)", "Host: cabin.example"]] {
      #expect(status(of: try await served.answer("GET /api/status", headers)) == 200)
    }
    // Not in the URL, which proxies and histories keep.
    #expect(status(of: try await served.answer("GET /api/status?token=\(Self.token)")) == 401)
    #expect(!served.log.all.joined().contains(Self.token))
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `who logs in gets a cookie that is not the token, and no script can read it`() async throws
  {
    let served = try await WebServed(try Sample.fleet(), at: Self.guarded())
    let form = try await served.answer("GET /login")
    #expect(status(of: form) == 200 && form.contains("\r\nReferrer-Policy: same-origin\r\n"))
    let origin = "Origin: http://127.0.0.1:\(served.port)"
    let answer = try await served.answer("POST /login", [origin], body: "token=\(Self.token)")
    #expect(status(of: answer) == 303 && answer.contains("\r\nLocation: /\r\n"))
    let match = try #require(
      answer.firstMatch(of: /Set-Cookie: (blupow=([0-9a-f]{64})); Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict\r\n/))
    #expect(!answer.contains(Self.token))
    #expect(status(of: try await served.answer("GET /api/status", ["Cookie: a=b; \(match.1)"])) == 200)
    let other = "blupow=" + String(String(match.2).reversed())
    #expect(status(of: try await served.answer("GET /api/status", ["Cookie: \(other)"])) == 401)
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a login that is wrong, foreign or too long is none`() async throws {
    let served = try await WebServed(try Sample.fleet(), at: Self.guarded())
    let right = "token=\(Self.token)"
    for (headers, body, expected) in [
      ([], "token=wrong", 401), ([], "token=", 401), ([], "token=\(Self.token)x", 401),
      (["Origin: https://evil.example"], right, 403), (["Sec-Fetch-Site: cross-site"], right, 403),
      ([], right + String(repeating: "x", count: 8192), 413),
    ] {
      let answer = try await served.answer("POST /login", headers, body: body)
      #expect(status(of: answer) == expected && !answer.contains("Set-Cookie"), "\(headers) \(body.prefix(40))")
    }
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `after a few wrong tokens another wrong one is told to wait, and the right one is taken`()
    async throws
  {
    let served = try await WebServed(try Sample.fleet(), at: Self.guarded())
    let login = try await served.answer("POST /login", body: "token=\(Self.token)")
    let cookie = try #require(login.firstMatch(of: /Set-Cookie: (blupow=[0-9a-f]+)/)).1
    for _ in 1...3 { #expect(status(of: try await served.answer("POST /login", body: "token=guess")) == 401) }
    for _ in 1...2 {
      #expect(status(of: try await served.answer("GET /api/status", ["Authorization: Bearer guess"])) == 401)
    }
    for (line, headers, body) in [("POST /login", [], "token=guess"), ("GET /api/status", ["Authorization: Bearer guess"], "")] {
      let answer = try await served.answer(line, headers, body: body)
      #expect(status(of: answer) == 429 && answer.contains("\r\nRetry-After: 10\r\n"), "\(line)")
    }
    #expect(status(of: try await served.answer("GET /api/status", ["Authorization: Bearer \(Self.token)"])) == 200)
    #expect(status(of: try await served.answer("POST /login", body: "token=\(Self.token)")) == 303)
    // Who is in stays in.
    #expect(status(of: try await served.answer("GET /api/status", ["Cookie: \(cookie)"])) == 200)
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `without a token there is nothing to log in to`() async throws {
    let served = try await WebServed(try Sample.fleet())
    #expect(status(of: try await served.answer("GET /login")) == 404)
    #expect(status(of: try await served.answer("POST /login", body: "token=")) == 405)
    try await served.end()
  }

  // MARK: Bounds

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("\u{0}\u{1}garbage\r\n\r\n", 400),
      ("GET /api/status HTTP/1.1\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n", 431),
      ("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
      ("GET /api/status HTTP/1.1\r\n\(String(repeating: "X: a\r\n", count: 200))\r\n", 431),
    ])
  func `what is no request, or too much of one, is refused and cut off`(request: String, expected: Int) async throws {
    let served = try await WebServed(try Sample.fleet())
    let conversation = try Conversation(port: served.port)
    conversation.say(request)
    let answer = try #require(try await conversation.rest())
    #expect(status(of: answer) == expected)
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a request that does not come to its end is cut off, whatever trickles in`() async throws {
    let served = try await WebServed(try Sample.fleet(), patience: .milliseconds(500))
    let conversation = try Conversation(port: served.port)
    let start = ContinuousClock.now
    conversation.say("GET /api/status HTTP/1.1\r\n")
    let trickle = Task {
      while !Task.isCancelled {
        conversation.say("x")
        try? await Task.sleep(for: .milliseconds(100))
      }
    }
    #expect(try await conversation.rest() != nil)
    #expect(start.duration(to: .now) >= .milliseconds(450) && start.duration(to: .now) < .seconds(5))
    trickle.cancel()
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `an answer that nobody takes is cut off`() async throws {
    let served = try await WebServed(
      FleetStatus(gateway: "cabin", devices: Array(repeating: try Sample.device("Inverter"), count: 10_000)),
      patience: .milliseconds(300))
    let conversation = try Conversation(port: served.port, receiving: 4096)
    conversation.say(served.request("GET /api/status"))
    try await conversation.untilHeard()
    try await Task.sleep(for: .seconds(1.5))
    let answer = try #require(try await conversation.rest())
    let length = try #require(answer.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) })
    #expect(length > 2_000_000 && answer.utf8.count < length)
    try await served.end()
  }

  // MARK: The stream

  @Test(.timeLimit(.minutes(5))) func `who listens hears the status at once, and every change, until he goes or it ends`()
    async throws
  {
    let served = try await WebServed(try Sample.fleet())
    let conversation = try Conversation(port: served.port)
    conversation.say(served.request("GET /api/stream"))
    let first = try #require(try await conversation.heard { $0.contains("\n\n") && $0.contains("\"gateway\":\"cabin\"") })
    #expect(first.contains("\r\nContent-Type: text/event-stream\r\n") && first.contains("event: status\ndata: {"))
    #expect(!first.contains("state_dir"))
    var fleet = try Sample.fleet()
    fleet.gateway = "boat"
    served.become(fleet)
    #expect(try await conversation.heard { $0.contains("\"gateway\":\"boat\"") } != nil)
    // A stream that were waited for would never end.
    try await served.end()
    #expect(try await conversation.rest() != nil)
  }

  @Test(.timeLimit(.minutes(5))) func `so many may listen, one more is told so, and who goes makes room`() async throws {
    let served = try await WebServed(try Sample.fleet())
    var listening: [Conversation] = []
    for number in 0..<32 {
      let conversation = try Conversation(port: served.port, from: "127.0.0.\(number / 16 + 1)")
      conversation.say(served.request("GET /api/stream"))
      #expect(try await conversation.heard { $0.contains("event: status") } != nil)
      listening.append(conversation)
    }
    let tooMany = try await served.answer("GET /api/stream")
    #expect(status(of: tooMany) == 503 && tooMany.contains("16 clients listen from there already"))
    let other = try Conversation(port: served.port, from: "127.0.0.3")
    other.say(served.request("GET /api/stream"))
    #expect(try await other.rest()?.contains("32 clients listen already.") == true)
    #expect(status(of: try await served.answer("GET /api/status")) == 200, "there is room for others")
    listening.removeFirst()
    var answer: String?
    while answer == nil {
      let conversation = try Conversation(port: served.port)
      conversation.say(served.request("GET /api/stream"))
      answer = try await conversation.heard { $0.contains("event: status") }
    }
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `one host takes half of the connections, and who is one too many is told so`() async throws
  {
    let served = try await WebServed(try Sample.fleet())
    var silent: [Conversation] = []
    for _ in 1...32 {
      silent.append(try Conversation(port: served.port))
      // Taken, once another one after it was.
      let other = try Conversation(port: served.port, from: "127.0.0.2")
      other.say(served.request("GET /api/status"))
      #expect(status(of: try await other.rest() ?? "") == 200)
    }
    let refused = try await Conversation(port: served.port).rest() ?? ""
    #expect(status(of: refused) == 429 && refused.contains("32 connections are open from there"))
    silent.removeLast()
    var answer = ""
    while status(of: answer) != 200 { answer = try await served.answer("GET /api/status") }
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a listener who takes what he hears in sips is cut off, and the others hear on`()
    async throws
  {
    // More than the kernel holds for a connection.
    func fleet(_ gateway: String) throws -> FleetStatus {
      FleetStatus(gateway: gateway, devices: Array(repeating: try Sample.device("Inverter"), count: 3000))
    }
    let served = try await WebServed(try fleet("first"), patience: .seconds(2))
    let slow = try Conversation(port: served.port, receiving: 65_536)
    slow.say(served.request("GET /api/stream"))
    try await slow.untilHeard()
    // 200 kB/s: enough for the kernel, which gives up whoever takes next to nothing, and not for 2 MB in 2 s.
    let sips = Task {
      while !Task.isCancelled {
        for _ in 1...16 { slow.sip() }
        try? await Task.sleep(for: .milliseconds(20))
      }
    }
    let other = try Conversation(port: served.port)
    other.say(served.request("GET /api/stream"))
    #expect(try await other.heard { $0.contains("\"gateway\":\"first\"") && $0.hasSuffix("\n\n\r\n") } != nil)
    for number in 1...3 {
      served.become(try fleet("after-\(number)"))
      #expect(try await other.heard { $0.contains("\"gateway\":\"after-\(number)\"") } != nil)
    }
    sips.cancel()
    let heard = try #require(try await slow.rest())
    #expect(!heard.contains("after-3"))
    try await served.end()
  }

  // MARK: Where

  @Test(.timeLimit(.minutes(5))) func `it is served at the other loopback, too`() async throws {
    let served = try await WebServed(try Sample.fleet(), at: HTTPSettings(address: "[::1]", port: 0))
    let conversation = try Conversation(port: served.port, isSix: true)
    conversation.say(served.request("GET /api/status", ["Host: [::1]:\(served.port)"]))
    #expect(try await conversation.rest()?.hasPrefix("HTTP/1.1 200 ") == true)
    #expect(served.log.all == ["notice served at http://[::1]:\(served.port)/"])
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a port that is taken is a problem until another one is set, and ends nothing`()
    async throws
  {
    let first = try await WebServed(try Sample.fleet())
    let taken = HTTPSettings(address: "127.0.0.1", port: first.port)
    let second = try await WebServed(try Sample.fleet(), at: taken, awaitsServing: false)
    try await second.until { second.problem != nil }
    #expect(
      second.problem?.message
        == "Nobody can be answered at http://127.0.0.1:\(first.port)/: another program listens there already. It is tried again every 5 s."
    )
    #expect(second.problem?.advice == "End that (`ss -ltnp` shows it), or set another port in http.listen.")
    await second.server.adopt(HTTPSettings(address: "127.0.0.1", port: 0))
    try await second.until { !second.served.isEmpty }
    #expect(status(of: try await second.answer("GET /api/status")) == 200)
    try await second.until { second.problem == nil }
    try await second.end()
    #expect(status(of: try await first.answer("GET /api/status")) == 200)
    try await first.end()
  }

  @Test(.timeLimit(.minutes(5))) func `an address that this host has not is a problem`() async throws {
    let served = try await WebServed(
      try Sample.fleet(), at: HTTPSettings(address: "192.0.2.1", port: 8420, token: Secret(Self.token)), awaitsServing: false)
    try await served.until { served.problem != nil }
    #expect(served.problem?.message.contains("this host has no such address") == true)
    // Before it would be tried again.
    #expect(try await served.end() < .seconds(4.5))
  }

  @Test(.timeLimit(.minutes(5))) func `other settings are taken, the old place is left, and none is one`() async throws {
    let served = try await WebServed(try Sample.fleet())
    let old = served.port
    await served.server.adopt(Self.guarded())
    try await served.until { served.served.count == 2 }
    #expect(status(of: try await served.answer("GET /api/status")) == 401)
    #expect(throws: Conversation.Trouble.self) { try Conversation(port: old) }
    await served.server.adopt(nil)
    while (try? Conversation(port: served.port)) != nil { try await Task.sleep(for: .milliseconds(5)) }
    try await served.end()
  }
}
