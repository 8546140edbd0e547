import MQTT

/// Where one gateway publishes what it knows (`protocol/mqtt.md`).
struct GatewayTopics: Equatable, Sendable {
  let name: TopicLevel
  private let root: TopicName

  init(_ gateway: TopicLevel, below base: TopicName) {
    name = gateway
    root = base.below(gateway)
  }

  /// All of it, for whoever listens.
  var all: String { "\(root)/#" }
  var availability: TopicName { root.below(Self.availability) }
  var status: TopicName { root.below(Self.status) }

  func availability(of device: TopicLevel) -> TopicName { root.below(device, Self.availability) }
  func state(of device: TopicLevel) -> TopicName { root.below(device, Self.state) }
  func status(of device: TopicLevel) -> TopicName { root.below(device, Self.status) }

  private static let availability = level("availability")
  private static let state = level("state")
  private static let status = level("status")

  /// Of a text that is known to be one: a word of ours, or what the configuration lets through.
  static func level(_ text: String) -> TopicLevel {
    guard let level = TopicLevel(text) else { preconditionFailure("\(text) is not fit for a level of a topic") }
    return level
  }
}

enum Availability {
  static let online = "online"
  static let offline = "offline"
}
