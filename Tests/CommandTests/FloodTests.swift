import Glibc
import Rig
import Supervisor
import Testing

/// A thousand connections to the port of a service that polls: slow ones, long ones, aborted ones, and those that say nothing.
/// In the long run only.
@Suite(.enabled(if: getenv("BLUPOW_TEST_LONG") != nil, "three minutes"), .timeLimit(.minutes(10))) struct FloodTests {
  private static let connections = 1000
  /// Longer than the time for a request, so that every one of the first has been cut off.
  private static let lasts = Duration.seconds(30)

  private struct Look {
    var residentKiB: Int
    var descriptors: Int
    var good: Int
    var failed: Int
    /// In seconds.
    var lag: Double

    var text: String { "\(residentKiB) KiB, \(descriptors) descriptors, \(good) polls good, \(failed) failed, lag p99 \(lag) s" }
  }

  private static let addresses = ["D8:B6:73:BF:4F:75", "D8:B6:73:BF:4F:76", "D8:B6:73:BF:4F:77"]

  private func look(_ service: Child, _ port: Int) async throws -> Look {
    let conversation = try Conversation(port: port)
    conversation.say("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let page = try #require(try await conversation.rest())
    func sum(_ name: String) -> Double {
      page.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ") }
        .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }
    let failed = sum("blupow_polls_failed_total")
    return Look(
      residentKiB: Processes.residentKiB(of: service.pid) ?? 0, descriptors: Int(sum("process_open_fds")),
      good: Int(sum("blupow_polls_total") - failed), failed: Int(failed), lag: sum("blupow_poll_lag_p99_seconds"))
  }

  /// All at once, and for a while; whoever is slow says a byte more again and again.
  private func flood(_ port: Int) async throws {
    let request = "GET /api/status HTTP/1.1\r\nHost: localhost\r\n"
    let begin = ContinuousClock.now
    let all = try (0..<Self.connections).map { _ in try Conversation(port: port, waits: false) }
    var isSaid = [Bool](repeating: false, count: all.count)
    while begin.duration(to: .now) < Self.lasts {
      for (number, conversation) in all.enumerated() where !isSaid[number] || number % 5 == 0 {
        switch number % 5 {
        case 0: conversation.say(isSaid[number] ? "x" : request + "X-Slow: ")
        case 1: conversation.say(request + "X-Long: " + String(repeating: "a", count: 40_000))
        case 2:
          if conversation.say(request + "\r\n") { conversation.abort() }
        case 3: conversation.say("GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        default: break  // says nothing
        }
        isSaid[number] = true
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// Asks from another host, again and again; how often it was answered, and after how long at most.
  private func neighbour(_ port: Int) async throws -> (answers: Int, slowest: Duration) {
    var (answers, slowest) = (0, Duration.zero)
    while !Task.isCancelled {
      let begin = ContinuousClock.now
      let conversation = try Conversation(port: port, from: "127.0.0.2")
      conversation.say("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
      guard let page = try? await conversation.rest() else { continue }
      #expect(page.hasPrefix("HTTP/1.1 200 "), "\(page.prefix(200))")
      answers += 1
      slowest = max(slowest, begin.duration(to: .now))
      try? await Task.sleep(for: .seconds(1))
    }
    return (answers, slowest)
  }

  @Test func `a thousand connections cost no poll, and nothing is left of them`() async throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 4096)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let modules = Self.addresses.map {
      """
      {"address":"\($0)","known":true,"name":"BTRIC134000035   ","delays":\(Scene.fast),
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}
      """
    }
    let scene = try await Scene.start("{\"modules\":[\(modules.joined(separator: ","))]}", keepingLines: 1000)
    let port = try Broker.freePort()
    let devices = Self.addresses.enumerated().map { "  - {name: D\($0), address: '\($1)', profile: inverter, unit: 32}\n" }
    let config = "interval: 1s\nlink: bluez\nhttp: {listen: '127.0.0.1:\(port)'}\ndevices:\n\(devices.joined())"
    let service = try await scene.start(["run", "-v"], config: config, deadline: .seconds(600))
    let log = ServiceLog(of: service) { $0.contains("ok=true") }
    _ = try await log.wait(forMore: 30, within: .seconds(60))
    // What a first flood leaves is what the heap keeps for the next.
    try await flood(port)
    var looks = [try await look(service, port)]
    try await Task.sleep(for: Self.lasts)
    looks.append(try await look(service, port))
    let polled = log.count
    let neighbour = Task { try await self.neighbour(port) }
    try await flood(port)
    neighbour.cancel()
    let other = try await neighbour.value
    #expect(log.count > polled, "polls go on during the flood")
    looks.append(try await look(service, port))
    try await Task.sleep(for: .seconds(11))
    looks.append(try await look(service, port))
    for (what, look) in zip(["at rest, before", "at rest, after 30 s", "after a flood of 30 s", "11 s later"], looks) {
      print("flood: \(what): \(look.text)")
    }
    print("flood: another host meanwhile: \(other.answers) answers, the slowest after \(other.slowest)")
    #expect(other.answers > 5 && other.slowest < .seconds(10))
    let (quiet, flooded) = (looks[1].good - looks[0].good, looks[2].good - looks[1].good)
    print("flood: \(Self.connections) connections; polls in 30 s: \(quiet) at rest, \(flooded) under the flood")
    #expect(looks[3].failed == 0)
    #expect(Double(flooded) > 0.8 * Double(quiet))
    // Three workers may be under way, each with its pipes.
    #expect(looks[3].descriptors < looks[1].descriptors + 24)
    #expect(looks[3].residentKiB < looks[1].residentKiB + 4096)
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    await scene.end()
  }
}
