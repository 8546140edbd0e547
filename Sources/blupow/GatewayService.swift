import ServiceLifecycle
import Supervisor

/// The gateway until the group is told to end.
struct GatewayService: Service {
  let gateway: Gateway

  func run() async throws { await cancelWhenGracefulShutdown { await gateway.run() } }
}
