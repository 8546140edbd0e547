import Glibc
package import MQTT
import Synchronization

/// Looks at the broker for all that a gateway has left there, and takes it away.
package struct Unpublisher: Sendable {
  private static let connecting = Duration.seconds(15)
  private static let looking = Duration.seconds(30)
  private static let clearing = Duration.seconds(30)
  /// Brokers send what is retained before they pass on what comes later; a moment more for one that does not.
  private static let lateness = Duration.milliseconds(500)
  private static let maxFound = Outbox.maxTopics / 2

  private let settings: MQTTSettings
  private let topics: GatewayTopics

  package init(_ settings: MQTTSettings, gateway: TopicLevel) {
    self.settings = settings
    topics = GatewayTopics(gateway, below: settings.base)
  }

  /// How many messages were taken away.
  package func run() async -> Result<Int, BrokerTrouble> {
    let found = Found()
    let own = topics.all.dropLast()
    let marker = GatewayTopics(topics.name, below: settings.base).availability.below(GatewayTopics.level("\(getpid())"))
    var broker = settings.broker
    broker.clientID = "blupow-unpublish-\(getpid())"
    let client = BrokerClient(
      broker,
      listeningTo: [topics.all] + ["device/+", "sensor/+/+", "binary_sensor/+/+"].map { "\(settings.prefix)/\($0)/config" },
      onMessage: { message in
        if message.topic == marker { return found.note(marker: true) }
        guard message.isRetained, !message.payload.isEmpty else { return }
        // What announces something says where its states are.
        let isOwn =
          message.topic.description.hasPrefix(own) || String(decoding: message.payload, as: UTF8.self).contains("\"\(own)")
        if isOwn { found.note(message.topic) }
      })
    client.start()
    let outcome = await look(client, found, marker)
    for topic in found.topics { client.put(Message(topic, [])) }
    let hasSaidAll = await client.end(within: Self.clearing)
    if let trouble = outcome { return .failure(trouble) }
    guard hasSaidAll else {
      return .failure(
        BrokerTrouble(
          "The MQTT broker at \(broker.place) did not take everything in \(Self.clearing.components.seconds) s.",
          advice: "Look at its log, and try again."))
    }
    return .success(found.topics.count)
  }

  /// `nil`: everything that was retained has come.
  private func look(_ client: BrokerClient, _ found: Found, _ marker: TopicName) async -> BrokerTrouble? {
    let start = ContinuousClock.now
    var isAsked = false
    while !Task.isCancelled {
      switch client.standing.link {
      case .away(let trouble): return trouble
      case .connecting where start.duration(to: .now) > Self.connecting:
        return BrokerTrouble(
          "The MQTT broker at \(client.place) does not answer.", advice: "Check mqtt.host, mqtt.port and the network.")
      case .connected where !isAsked:
        isAsked = true
        client.put(Message(marker, "?", retained: false))
      case .connecting, .connected: break
      }
      if found.hasMarker {
        try? await Task.sleep(for: Self.lateness)
        return nil
      }
      guard start.duration(to: .now) < Self.looking else {
        return BrokerTrouble(
          "The MQTT broker at \(client.place) does not show what it keeps.",
          advice: "This user must be allowed to read below mqtt.base_topic and mqtt.discovery_prefix.")
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    return nil
  }

  private final class Found: Sendable {
    private let state = Mutex((topics: Set<TopicName>(), hasMarker: false))

    var topics: Set<TopicName> { state.withLock { $0.topics } }
    var hasMarker: Bool { state.withLock { $0.hasMarker } }

    func note(_ topic: TopicName) {
      state.withLock { if $0.topics.count < Unpublisher.maxFound { $0.topics.insert(topic) } }
    }

    func note(marker: Bool) { state.withLock { $0.hasMarker = marker } }
  }
}
