import Foundation
import Glibc
import NIOCore
import Policy
import Readings
import Rig
import Testing

@testable import Publishers

@Suite struct StatusServerTests {
  // MARK: Routes

  @Test(.timeLimit(.minutes(5))) func `the status is the fleet's, and comes back as it was`() async throws {
    let fleet = try Sample.fleet()
    let served = try await Served(fleet)
    #expect(try await Wire.line(served.client.status()) == Wire.line(fleet))
    let answer = try #require(try await served.answer("GET /status?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"))
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("Content-Type: application/json\r\n"))
    #expect(
      answer.contains("\r\n\r\n{\"broker\":null,\"descriptors\":null,\"devices\":[{\"address\":\"D8:B6:73:BF:4F:75\",\"age_s\":"),
      "keys are sorted")
    #expect(served.polls == [])
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `the events are a document of their own`() async throws {
    let at = Date(timeIntervalSince1970: 1_784_000_000)
    let event = FleetEvent(Problem(.storeFailed, message: "It is full.", advice: "Make room."), at: at)
    let served = try await Served(try Sample.fleet(), events: [event])
    #expect(try await served.client.events() == [event])
    let answer = try #require(try await served.answer("GET /events HTTP/1.1\r\nHost: x\r\n\r\n"))
    #expect(
      answer.hasSuffix(
        #"""
        {"events":[{"adapter":null,"address":null,"advice":"Make room.","at":"2026-07-14T03:33:20.000Z","count":1,"device":null,"kind":"problem","last_at":"2026-07-14T03:33:20.000Z","message":"It is full.","name":"store_failed","stage":null}]}

        """#))
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `a poll is of the devices named, or of all, and is answered when it has ended`()
    async throws
  {
    let fleet = try Sample.fleet()
    let served = try await Served(fleet) { try? await Task.sleep(for: .milliseconds(300)) }
    let start = ContinuousClock.now
    #expect(try await Wire.line(served.client.poll(devices: ["Workshop"])) == Wire.line(fleet))
    #expect(start.duration(to: .now) >= .milliseconds(300))
    for body in ["", "{}"] {
      let answer = try await served.answer("POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
      #expect(answer?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
    }
    #expect(served.polls == [["Workshop"], nil, nil])
    try await served.leave()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("GET / HTTP/1.1", "", 404, "There is nothing at '/'; there are GET /status, GET /events and POST /poll."),
      ("DELETE /status HTTP/1.1", "", 405, "/status is read with GET."),
      ("POST /events HTTP/1.1", "", 405, "/events is read with GET."),
      ("GET /poll HTTP/1.1", "", 405, "/poll is asked for with POST."),
      (
        "POST /poll HTTP/1.1", #"{"devices":["Toaster"]}"#, 404, "No device is called 'Toaster'; there are: Inverter, Workshop."
      ),
      ("POST /poll HTTP/1.1", "{", 400, #"The body is not {"devices": ["Name", ...]}, or nothing for all."#),
      (
        "POST /poll HTTP/1.1", #"{"device":["Inverter"]}"#, 400,
        #"The body is not {"devices": ["Name", ...]}, or nothing for all."#
      ),
      ("POST /poll HTTP/1.1", #"{"devices":[1]}"#, 400, #"The body is not {"devices": ["Name", ...]}, or nothing for all."#),
      (
        "POST /poll HTTP/1.1", #"{"devices":[]}"#, 400,
        #"`devices` names none; the body is {"devices": ["Name", ...]}, or nothing for all."#
      ),
    ])
  func `what is not there or not meant gets a sentence`(line: String, body: String, status: Int, sentence: String) async throws {
    let served = try await Served(try Sample.fleet())
    let answer = try #require(
      try await served.answer("\(line)\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"))
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    let json = try #require(answer.components(separatedBy: "\r\n\r\n").last)
    #expect(try JSONDecoder().decode([String: String].self, from: Data(json.utf8)) == ["error": sentence])
    #expect(answer.contains("Allow: ") == (status == 405))
    #expect(served.polls == [])
    try await served.leave()
  }

  // MARK: Bounds

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("\u{0}\u{1}garbage\r\n\r\n", 400, "This is not an HTTP request that can be read."),
      (
        "GET /status HTTP/1.1\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n", 431,
        "The request's head is too long; at most 16384 bytes and 100 fields are taken."
      ),
      (
        "GET /status HTTP/1.1\r\n\(String(repeating: "X: a\r\n", count: 200))\r\n", 431,
        "The request's head is too long; at most 16384 bytes and 100 fields are taken."
      ),
      ("POST /poll HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 413, "The body is longer than 65536 bytes."),
      (
        "POST /poll HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
        "Send the body with a Content-Length, not in chunks."
      ),
    ])
  func `what is no request, or too much of one, is refused and cut off`(request: String, status: Int, sentence: String)
    async throws
  {
    let served = try await Served(try Sample.fleet())
    let answer = try #require(try await served.answer(request))
    #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
    #expect(answer.contains(sentence))
    #expect(served.polls == [])
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `half a request asks for nothing`() async throws {
    let served = try await Served(try Sample.fleet())
    let conversation = try Conversation(served.path)
    conversation.say("POST /poll HTTP/1.1\r\nContent-Length: 2\r\n\r\n{")
    conversation.fallSilent()
    #expect(try await conversation.rest()?.hasPrefix("HTTP/1.1 200") == false)
    for half in ["POST /poll HTTP/1.1\r\nContent-Length: 2\r\n\r\n", "POST /poll HTTP/1.1\r\n"] {
      try Conversation(served.path).say(half)  // and away
    }
    // Whoever comes later has been heard later.
    _ = try await served.client.status()
    #expect(served.polls == [])
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5)), arguments: ["", "GET /status HTTP/1.1\r\n", "POST /poll HTTP/1.1\r\nContent-Length: 9\r\n\r\n"])
  func `a request that does not come to its end is cut off, whatever trickles in`(beginning: String) async throws {
    let served = try await Served(try Sample.fleet(), patience: .milliseconds(500))
    let conversation = try Conversation(served.path)
    let start = ContinuousClock.now
    conversation.say(beginning)
    let trickle = Task {
      while !Task.isCancelled {
        conversation.say(beginning.isEmpty ? "" : "x")
        try? await Task.sleep(for: .milliseconds(100))
      }
    }
    #expect(try await conversation.rest() != nil)
    #expect(start.duration(to: .now) >= .milliseconds(450) && start.duration(to: .now) < .seconds(5))
    trickle.cancel()
    #expect(served.polls == [])
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `an answer that nobody takes is cut off`() async throws {
    let device = try Sample.device("Inverter")
    let served = try await Served(
      FleetStatus(gateway: "cabin", devices: Array(repeating: device, count: 5000)), patience: .milliseconds(300))
    let conversation = try Conversation(served.path)
    conversation.say("GET /status HTTP/1.1\r\n\r\n")
    // From its first byte on, which so long a document takes a while to come to.
    try await conversation.untilHeard()
    try await Task.sleep(for: .seconds(1.5))
    let answer = try #require(try await conversation.rest())
    let length = try #require(answer.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) })
    #expect(length > 1_000_000 && answer.utf8.count < length)
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `so many who say nothing hold up the next one for no longer than their time`() async throws
  {
    let served = try await Served(try Sample.fleet(), patience: .seconds(1))
    let idle = try (1...100).map { _ in try Conversation(served.path) }
    let start = ContinuousClock.now
    #expect(try await served.client.status(within: .seconds(20)).devices.count == 2)
    #expect(start.duration(to: .now) > .milliseconds(500), "they were not counted")
    withExtendedLifetime(idle) {}
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `one connection is for one request`() async throws {
    let served = try await Served(try Sample.fleet())
    let request = "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"
    let answer = try #require(try await served.answer(request + request))
    #expect(answer.components(separatedBy: "HTTP/1.1 200 OK").count == 2)
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `so many may wait for a poll, and one more is told so`() async throws {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let served = try await Served(try Sample.fleet()) { for await _ in gate {} }
    let request = "POST /poll HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    let waiting = try (1...16).map { _ in try Conversation(served.path) }
    for conversation in waiting { conversation.say(request) }
    while served.polls.count < 16 { try await Task.sleep(for: .milliseconds(2)) }
    let answer = try await served.answer(request)
    #expect(answer?.hasPrefix("HTTP/1.1 503 ") == true)
    #expect(answer?.contains("16 requests wait for a poll already") == true)
    open.finish()
    for conversation in waiting { #expect(try await conversation.rest()?.hasPrefix("HTTP/1.1 200 ") == true) }
    // There is room again.
    #expect(try await served.answer(request)?.hasPrefix("HTTP/1.1 200 ") == true)
    try await served.leave()
  }

  // MARK: Beginning and end

  @Test(.timeLimit(.minutes(5))) func `it ends at once beside those who ask, wait and idle, and takes its socket away`()
    async throws
  {
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let served = try await Served(try Sample.fleet()) { for await _ in gate {} }
    let waits = try Conversation(served.path)
    waits.say("POST /poll HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    let (idle, asks) = (try Conversation(served.path), try Conversation(served.path))
    asks.say("POST /poll HTTP/1.1\r\nContent-Length: 5\r\n\r\n{")
    while served.polls.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
    #expect(try await served.end() < .seconds(2.5))
    #expect(try await waits.rest()?.contains(#"{"error":"The service is ending."}"#) == true)
    #expect(try await idle.rest() == "")
    #expect(try await asks.rest() != nil)
    #expect(access(served.path, F_OK) == -1)
    #expect(served.log.all == [])
    open.finish()
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `everybody on the host may connect`() async throws {
    let served = try await Served(try Sample.fleet())
    // It listens a moment before it is open to others.
    _ = try await served.client.status()
    func mode(_ path: String) -> mode_t {
      var status = stat()
      return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }
    #expect(mode(served.path) == 0o666)
    #expect(mode("\(served.directory)/blupow") == 0o755)
    try await served.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `a second one says who serves there, and lets the first one be`() async throws {
    let first = try await Served(try Sample.fleet())
    let second = try await Served(try Sample.fleet(), in: first.directory, awaitsServing: false)
    while second.log.all.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
    #expect(
      second.log.all == [
        "error nobody can ask this service (`blupow status`); polling goes on: another blupow run already serves \(first.path). One is enough: end the other, or give this one an XDG_RUNTIME_DIR of its own."
      ])
    try await second.end()
    #expect(try await first.client.status().gateway == "cabin")
    try await first.leave()
  }
}
