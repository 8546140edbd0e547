import Foundation
import Glibc
import Logging
import NIOCore
import Policy
import Rig
import ServiceLifecycle
import Synchronization

@testable import Publishers

/// A server in this process, with a directory of its own.
final class Served: Sendable {
  let directory: String
  let place: SocketPath
  let log = LogLines()
  private let asked = Asked()
  private let group: ServiceGroup
  private let running: Task<Void, any Error>

  private final class Asked: Sendable {
    let polls = Mutex<[[String]?]>([])
  }

  var path: String { place.description }
  var client: StatusClient { StatusClient([place]) }
  /// The devices of each poll that was asked for.
  var polls: [[String]?] { asked.polls.withLock { $0 } }

  static func makeDirectory() throws -> String {
    var template = Array("/tmp/blupow-served-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Conversation.Trouble(description: "no directory in /tmp") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func remove(_ directory: String) { try? FileManager.default.removeItem(atPath: directory) }

  /// - Parameters:
  ///   - directory: `nil`: a new one.
  ///   - awaitsServing: returns once somebody listens.
  ///   - poll: what a poll takes.
  init(
    _ status: FleetStatus, events: [FleetEvent] = [], in directory: String? = nil, patience: TimeAmount = .seconds(10),
    awaitsServing: Bool = true,
    poll: @escaping @Sendable () async -> Void = {}
  ) async throws {
    let own = try directory ?? Self.makeDirectory()
    self.directory = own
    place = try SocketPath(directory: "\(own)/blupow")
    let (log, asked) = (log, asked)
    var server = StatusServer(
      path: place, status: { status }, events: { events },
      pollNow: { names in
        asked.polls.withLock { $0.append(names) }
        await poll()
        return status
      }, log: Logger(label: "served") { _ in log.handler(level: .notice) })
    server.patience = patience
    let silent = Logger(label: "group") { _ in LogLines().handler(level: .critical) }
    let group = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: silent))
    self.group = group
    running = Task { try await group.run() }
    guard awaitsServing else { return }
    while (try? Conversation(path)) == nil { try await Task.sleep(for: .milliseconds(2)) }
  }

  /// Tells it to end; how long that took.
  @discardableResult func end() async throws -> Duration {
    let start = ContinuousClock.now
    await group.triggerGracefulShutdown()
    try await running.value
    return start.duration(to: .now)
  }

  /// Ends it, and takes its directory away.
  func leave() async throws {
    try await end()
    Self.remove(directory)
  }

  /// What `request` gets, to the end of the connection.
  func answer(_ request: String) async throws -> String? {
    let conversation = try Conversation(path)
    conversation.say(request)
    return try await conversation.rest()
  }
}
