import Publishers
import ServiceLifecycle
import Supervisor

/// The fleet at the MQTT broker, until the group is told to end.
struct MQTTService: Service {
  let publisher: MQTTPublisher
  let gateway: Gateway

  func run() async throws { await cancelWhenGracefulShutdown { await publisher.run(gateway.statuses) } }
}
