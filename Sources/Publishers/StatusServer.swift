import Glibc
import HTTPTypes
import HummingbirdCore
package import Logging
import NIOCore
package import Policy
import ServiceLifecycle

/// The service's socket on this host: what it knows for everybody, a poll now for those who may (`protocol/http.md`).
///
/// What is wrong with the socket is said once in the log and ends nothing: the polls matter more than who looks on.
package struct StatusServer: Service {
  static let maxConnections = 64
  static let maxHeadBytes = 16_384
  private static let pause = Duration.seconds(5)

  /// For a request, and again for its answer to be taken.
  var patience = TimeAmount.seconds(10)
  /// Called when who asks is answered, or when it is known that for now nobody will be. Perhaps more than once.
  package var whenSettled: @Sendable () -> Void = {}
  private let path: SocketPath?
  private let routes: StatusRoutes
  private let log: Logger

  /// - Parameters:
  ///   - path: `nil`: where the environment says.
  ///   - pollNow: polls the devices named, or all, and returns when their polls have ended.
  package init(
    path: SocketPath? = nil, status: @escaping @Sendable () async -> FleetStatus,
    events: @escaping @Sendable () async -> [FleetEvent],
    pollNow: @escaping @Sendable ([String]?) async -> FleetStatus, log: Logger
  ) {
    self.path = path
    routes = StatusRoutes(status: status, events: events, pollNow: pollNow)
    self.log = log
  }

  /// Until the group is told to end; then within about a second, whoever is connected.
  package func run() async throws {
    do throws(SocketTrouble) {
      let path = if let path { path } else { try SocketPath.toServe() }
      let claim = try SocketClaim.make(path)
      await serve(path, claim)
    } catch {
      log.error("nobody can ask this service (`blupow status`); polling goes on: \(error)")
      whenSettled()
      // A service that ends takes the others along.
      try? await gracefulShutdown()
    }
  }

  /// Again and again, should it end by itself: at an accept that failed for want of descriptors, for one.
  private func serve(_ path: SocketPath, _ claim: borrowing SocketClaim) async {
    var isTold = false
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      var reason = "it ended by itself"
      do {
        try await server(path).run()
      } catch {
        reason = "\(error)"
      }
      guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
      whenSettled()
      if !isTold {
        isTold = true
        log.error(
          "nobody can ask this service at \(path) for now: \(reason). It is tried again every \(Self.pause.components.seconds) s."
        )
      }
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.pause) }
    }
  }

  private func server(_ path: SocketPath) -> any Service {
    let (routes, log, patience, whenSettled) = (routes, log, patience, whenSettled)
    var quiet = log
    quiet.logLevel = .critical
    let http = HTTP1Channel(
      responder: { request, writer, channel in
        let answer = try await routes.answer(request, from: channel)
        try await writer.write(response: answer.head, body: .init(byteBuffer: ByteBuffer(bytes: answer.body)))
      },
      configuration: .init(
        additionalChannelHandlers: [OneRequest(patience: patience)],
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: Self.maxHeadBytes, maxHeaderListSize: Self.maxHeadBytes, maxHeaderFieldCount: 100)))
    return http.server(
      configuration: .init(
        address: .unixDomainSocket(path: path.description),
        availableConnectionsDelegate: MaximumAvailableConnections(Self.maxConnections, logger: quiet)),
      onServerRunning: { _ in
        // Everybody on this host may read; who may ask for a poll is looked at with each request.
        if chmod(path.description, 0o666) != 0 { log.error("\(path) cannot be opened to other users.") }
        log.debug("answering at \(path)")
        whenSettled()
      },
      eventLoopGroup: Loops.one, logger: quiet)
  }
}
