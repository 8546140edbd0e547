import Logging
import Publishers
import ServiceLifecycle
import Supervisor

/// What the service manager is told, where there is one that wants to know.
struct SystemdService: Service {
  let publisher: SystemdPublisher?
  let watchdog: Watchdog?
  let gateway: Gateway
  /// Ends when who asks this service is answered.
  let serving: AsyncStream<Void>
  let log: Logger

  /// - Parameter environment: says where the manager listens, and whether its watchdog wants to be fed.
  init(environment: [String: String], gateway: Gateway, serving: AsyncStream<Void>, log: Logger) {
    self.gateway = gateway
    self.serving = serving
    self.log = log
    var socket: NotifySocket?
    do throws(SocketTrouble) {
      socket = try NotifySocket.named(by: environment)
    } catch {
      log.error("the service manager cannot be told how this service does: \(error)")
    }
    publisher = socket.map { SystemdPublisher($0, log: log) }
    watchdog = Watchdog(environment: environment)
  }

  func run() async {
    guard let publisher else { return }
    await withDiscardingTaskGroup { group in
      group.addTask { await cancelWhenGracefulShutdown { await tell(publisher) } }
      group.addTask {
        try? await gracefulShutdown()
        await publisher.stopping()
      }
    }
  }

  private func tell(_ publisher: SystemdPublisher) async {
    for await _ in serving {}
    await withDiscardingTaskGroup { group in
      group.addTask { await publisher.run(gateway.statuses) }
      guard let watchdog else { return }
      group.addTask { await watchdog.run(doings: { await gateway.doings() }, feed: { await publisher.feed() }, log: log) }
    }
  }
}
