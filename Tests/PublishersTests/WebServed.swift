import Logging
import Policy
import Rig
import ServiceLifecycle
import Synchronization

@testable import Publishers

/// A server over TCP in this process, at a port that is free.
final class WebServed: Sendable {
  let log = LogLines()
  let server: WebServer
  private let now: Now
  private let group: ServiceGroup
  private let running: Task<Void, any Error>

  /// What the fleet is, who is told when that changes, and what was said of the server itself.
  private final class Now: Sendable {
    let status: Mutex<FleetStatus>
    let problems = Mutex<[Problem.Name: Problem]>([:])
    let served = Mutex<[HTTPSettings]>([])
    let changes: AsyncStream<FleetStatus>
    let tell: AsyncStream<FleetStatus>.Continuation

    init(_ status: FleetStatus) {
      self.status = Mutex(status)
      (changes, tell) = AsyncStream.makeStream(of: FleetStatus.self, bufferingPolicy: .bufferingNewest(1))
    }
  }

  var problem: Problem? { now.problems.withLock { $0[.httpFailed] } }
  /// Where it was served, one after the other.
  var served: [HTTPSettings] { now.served.withLock { $0 } }
  var port: Int { served.last?.port ?? 0 }

  /// - Parameter awaitsServing: returns once somebody listens.
  init(
    _ status: FleetStatus, events: [FleetEvent] = [], at settings: HTTPSettings? = HTTPSettings(address: "127.0.0.1", port: 0),
    patience: Duration = .seconds(10), awaitsServing: Bool = true, _ change: (inout WebSource) -> Void = { _ in }
  ) async throws {
    let (now, log) = (Now(status), log)
    self.now = now
    var source = WebSource(
      status: { now.status.withLock { $0 } }, statuses: { now.changes }, events: { events },
      counts: { [:] })
    change(&source)
    let server = WebServer(
      settings, source, patience: patience, log: Logger(label: "served") { _ in log.handler(level: .notice) },
      raise: { problem in now.problems.withLock { $0[problem.name] = problem } },
      settle: { name in now.problems.withLock { $0[name] = nil } },
      whenServing: { settings in now.served.withLock { $0.append(settings) } })
    self.server = server
    let silent = Logger(label: "group") { _ in LogLines().handler(level: .critical) }
    let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: silent))
    self.group = group
    running = Task { try await group.run() }
    if awaitsServing { try await until { !self.served.isEmpty } }
  }

  /// Looks again and again; the test's time limit ends what does not come.
  func until(_ isSo: () -> Bool) async throws {
    while !isSo() { try await Task.sleep(for: .milliseconds(2)) }
  }

  /// The fleet is that from now on, and whoever listens is told.
  func become(_ status: FleetStatus) {
    now.status.withLock { $0 = status }
    now.tell.yield(status)
  }

  /// Tells it to end; how long that took.
  @discardableResult func end() async throws -> Duration {
    let start = ContinuousClock.now
    await group.triggerGracefulShutdown()
    try await running.value
    return start.duration(to: .now)
  }

  /// What a request gets, to the end of the connection.
  func answer(_ line: String, _ headers: [String] = [], body: String = "") async throws -> String {
    let conversation = try Conversation(port: port)
    conversation.say(request(line, headers, body: body))
    return try await conversation.rest() ?? "(no end)"
  }

  /// - Parameter headers: without a `Host` among them it is the server's own.
  func request(_ line: String, _ headers: [String] = [], body: String = "") -> String {
    let host = headers.contains { $0.lowercased().hasPrefix("host:") } ? [] : ["Host: 127.0.0.1:\(port)"]
    let length = body.isEmpty ? [] : ["Content-Length: \(body.utf8.count)"]
    return ([line + " HTTP/1.1"] + host + headers + length).joined(separator: "\r\n") + "\r\n\r\n" + body
  }
}
