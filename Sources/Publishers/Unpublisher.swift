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
    let own = String(topics.all.dropLast())
    let (gateway, prefix) = (topics.name, settings.prefix)
    let marker = GatewayTopics(topics.name, below: settings.base).availability.below(GatewayTopics.level("\(getpid())"))
    var broker = settings.broker
    broker.clientID = "blupow-unpublish-\(getpid())"
    let client = BrokerClient(
      broker,
      listeningTo: [topics.all] + ["device/+", "sensor/+/+", "binary_sensor/+/+"].map { "\(settings.prefix)/\($0)/config" },
      onMessage: { message in
        if message.topic == marker { return found.note(marker: true) }
        guard message.isRetained, !message.payload.isEmpty else { return }
        let isState = message.topic.description.hasPrefix(own)
        if isState || Self.announces(message, of: gateway, below: prefix, statesBelow: own) { found.note(message.topic) }
      })
    client.start()
    if let trouble = await look(client, found, marker) {
      await client.end(within: .zero)
      return .failure(trouble)
    }
    // What announces first, and states when Home Assistant has let go of them.
    for topic in found.topics where !topic.description.hasPrefix(own) { client.put(Message(topic, [])) }
    let start = ContinuousClock.now
    while !client.standing.isIdle, !Task.isCancelled, start.duration(to: .now) < Self.clearing {
      try? await Task.sleep(for: .milliseconds(20))
    }
    if !found.topics.isEmpty { try? await Task.sleep(for: MQTTPublisher.parting) }
    for topic in found.topics where topic.description.hasPrefix(own) { client.put(Message(topic, [])) }
    let hasSaidAll = await client.end(within: Self.clearing)
    guard hasSaidAll else {
      return .failure(
        BrokerTrouble(
          "The MQTT broker at \(broker.place) did not take everything in \(Self.clearing.components.seconds) s.",
          advice: "Look at its log, and try again."))
    }
    guard found.topics.count < Self.maxFound else {
      return .failure(
        BrokerTrouble("\(Self.maxFound) retained messages were taken away, and there are more.", advice: "Run it once more."))
    }
    return .success(found.topics.count)
  }

  /// Whether it is an announcement of that gateway's: by its topic, and by what it says of its states, or of its moving elsewhere.
  private static func announces(
    _ message: Message, of gateway: TopicLevel, below prefix: TopicName, statesBelow own: String
  ) -> Bool {
    let levels = message.topic.description.dropFirst(prefix.description.count + 1).split(separator: "/")
    guard levels.count >= 3, levels.last == "config" else { return false }
    let id = levels[1]
    guard id == "blupow_\(gateway)" || id.hasPrefix("blupow_\(gateway)_") else { return false }
    let text = String(decoding: message.payload, as: UTF8.self)
    return text.contains("\"\(own)") || text == MQTTPublisher.migration
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
      if found.hasMarker, (try? await Task.sleep(for: Self.lateness)) != nil { return nil }
      guard start.duration(to: .now) < Self.looking else {
        return BrokerTrouble(
          "The MQTT broker at \(client.place) does not show all that it keeps, and nothing was taken away.",
          advice:
            "This user must be allowed to read below mqtt.base_topic and mqtt.discovery_prefix; look at the broker's log, too.")
      }
      try? await Task.sleep(for: .milliseconds(20))
    }
    // What was found so far is not all: half of it taken away would be worse than none.
    return BrokerTrouble("It was stopped before all was seen, and nothing was taken away.", advice: "Try again.")
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
