package import MQTT

/// How the fleet is published over MQTT.
package struct MQTTSettings: Equatable, Sendable {
  /// How Home Assistant is told of devices and entities.
  package enum Discovery: String, Sendable, CaseIterable {
    /// One document a device: Home Assistant 2024.11 and later.
    case device
    /// One document an entity: every Home Assistant.
    case component
    /// Both, for two of different age at one broker. Each logs that it cannot use the other's.
    case both
    case off
  }

  /// Without client id and will, which are the gateway's to say.
  package var broker: BrokerSettings
  /// `nil`: by the gateway's name.
  package var clientID: String?
  package var base: TopicName
  package var discovery: Discovery
  package var prefix: TopicName

  package init(
    broker: BrokerSettings, clientID: String? = nil, base: TopicName, discovery: Discovery = .component, prefix: TopicName
  ) {
    self.broker = broker
    self.clientID = clientID
    self.base = base
    self.discovery = discovery
    self.prefix = prefix
  }

  /// The broker as this gateway reaches it: known by its name, and missed where it is gone.
  func broker(of gateway: GatewayTopics) -> BrokerSettings {
    var broker = broker
    broker.clientID = clientID ?? "blupow-\(gateway.name)"
    broker.will = Message(gateway.availability, Availability.offline)
    return broker
  }
}
