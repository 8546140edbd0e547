import ServiceLifecycle
import Supervisor

/// The gateway until the group is told to end.
struct GatewayService: Service {
  let gateway: Gateway

  func run() async throws { await cancelWhenGracefulShutdown { await gateway.run() } }
}

/// Something that goes on beside the gateway.
struct Beside: Service {
  let body: @Sendable () async throws -> Void

  func run() async throws {
    try await cancelWhenGracefulShutdown {
      do { try await body() } catch is CancellationError {}
    }
  }
}
