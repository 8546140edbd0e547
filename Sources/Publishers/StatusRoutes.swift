import FoundationEssentials
import Glibc
import HTTPTypes
import HummingbirdCore
import NIOCore
import Policy
import Readings
import ServiceLifecycle
import Synchronization

/// What the service's socket is asked, and what it answers (`protocol/http.md`).
struct StatusRoutes: Sendable {
  static let maxBodyBytes = 65_536
  /// Requests for a poll that wait for its end at the same time, those of clients that went away included.
  static let maxWaiting = 16

  var status: @Sendable () async -> FleetStatus
  var events: @Sendable () async -> [FleetEvent]
  /// Of the devices named, or of all; returns when their polls have ended.
  var pollNow: @Sendable ([String]?) async -> FleetStatus
  private let waiting = Waiting()

  private final class Waiting: Sendable {
    let count = Mutex(0)
  }

  init(
    status: @escaping @Sendable () async -> FleetStatus, events: @escaping @Sendable () async -> [FleetEvent],
    pollNow: @escaping @Sendable ([String]?) async -> FleetStatus
  ) {
    self.status = status
    self.events = events
    self.pollNow = pollNow
  }

  /// Throws where the request does not come to its end.
  func answer(_ request: HummingbirdCore.Request, from channel: any Channel) async throws -> Answer {
    let path = String((request.head.path ?? "").prefix { $0 != "?" })
    switch (path, request.method) {
    case ("/status", .get): return .json(await status())
    case ("/status", _): return .error(.methodNotAllowed, "/status is read with GET.", allow: "GET")
    case ("/events", .get): return .json(EventDocument(await events()))
    case ("/events", _): return .error(.methodNotAllowed, "/events is read with GET.", allow: "GET")
    case ("/poll", .post):
      guard let peer = await Peer(of: channel) else { throw ChannelError.alreadyClosed }
      guard peer.mayAsk() else {
        return .error(
          .forbidden,
          "User \(peer.user) may read the status but not ask for a poll: that is for this service's user, root, and members of its group \(getegid())."
        )
      }
      return try await poll(request)
    case ("/poll", _): return .error(.methodNotAllowed, "/poll is asked for with POST.", allow: "POST")
    default:
      return .error(.notFound, "There is nothing at '\(path.prefix(200))'; there are GET /status, GET /events and POST /poll.")
    }
  }

  // MARK: Polling

  private func poll(_ request: HummingbirdCore.Request) async throws -> Answer {
    let body: [UInt8]
    switch try await request.bytes(atMost: Self.maxBodyBytes) {
    case .success(let bytes): body = bytes
    case .failure(let refusal): return refusal.answer
    }
    let wanted: [String]?
    do throws(Refusal) { wanted = try Self.devices(in: body) } catch { return error.answer }
    let known = await status().devices.map(\.name)
    if let unknown = wanted?.first(where: { !known.contains($0) }) {
      return .error(.notFound, "No device is called '\(unknown)'; there are: \(known.joined(separator: ", ")).")
    }
    guard enter() else {
      return .error(.serviceUnavailable, "\(Self.maxWaiting) requests wait for a poll already. Try again in a minute.")
    }
    guard let polled = await polled(wanted) else {
      return .error(.serviceUnavailable, "The service is ending.")
    }
    return .json(polled)
  }

  private func enter() -> Bool {
    waiting.count.withLock { count in
      guard count < Self.maxWaiting else { return false }
      count += 1
      return true
    }
  }

  /// `nil`: the service is told to end. A poll takes up to a minute, and its end is not waited for then.
  private func polled(_ names: [String]?) async -> FleetStatus? {
    let (answers, answer) = AsyncStream.makeStream(of: FleetStatus.self)
    let (pollNow, waiting) = (pollNow, waiting)
    Task {
      answer.yield(await pollNow(names))
      answer.finish()
      waiting.count.withLock { $0 -= 1 }
    }
    return await withGracefulShutdownHandler {
      await answers.first { _ in true }
    } onGracefulShutdown: {
      answer.finish()
    }
  }

  /// `nil`: all.
  static func devices(in body: [UInt8]) throws(Refusal) -> [String]? {
    guard !body.isEmpty else { return nil }
    let shape = #"{"devices": ["Name", ...]}, or nothing for all"#
    guard let fields = try? Wire.decode([String: [String]].self, from: body), fields.keys.allSatisfy({ $0 == "devices" }) else {
      throw Refusal(answer: .error(.badRequest, "The body is not \(shape)."))
    }
    guard let names = fields["devices"] else { return nil }
    guard !names.isEmpty else { throw Refusal(answer: .error(.badRequest, "`devices` names none; the body is \(shape).")) }
    return names
  }
}
