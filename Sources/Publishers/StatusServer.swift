import Glibc
import HummingbirdCore
package import Logging
import NIOCore
package import Policy
import ServiceLifecycle
import Synchronization

/// The service's socket on this host: what it knows for everybody, a poll now for those who may (`protocol/http.md`).
///
/// What is wrong with the socket is said once in the log and ends nothing: the polls matter more than who looks on.
package struct StatusServer: Service {
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

  private func serve(_ path: SocketPath, _ claim: borrowing SocketClaim) async {
    let (routes, log, whenSettled) = (routes, log, whenSettled)
    let isTold = Atomic(false)
    await Endpoint(
      address: .unixDomainSocket(path: path.description), patience: patience,
      respond: { try await routes.answer($0, from: $1) },
      whenServing: { _ in
        // Everybody on this host may read; who may ask for a poll is looked at with each request.
        if chmod(path.description, 0o666) != 0 { log.error("\(path) cannot be opened to other users.") }
        log.debug("answering at \(path)")
        whenSettled()
      },
      whenAway: { error in
        whenSettled()
        guard !isTold.exchange(true, ordering: .relaxed) else { return }
        log.error(
          "nobody can ask this service at \(path) for now: \(error.map { "\($0)" } ?? "it ended by itself"). It is tried again every \(Endpoint.pause.components.seconds) s."
        )
      }, log: log
    ).run()
  }
}
