import FoundationEssentials
import MQTT
import Policy
import Readings

/// What the broker shall hold of a fleet: everything that is known, as retained messages, in the order in which they are to come.
struct FleetBoard {
  let settings: MQTTSettings
  let fleet: PublishedFleet
  let topics: GatewayTopics
  private let entities: FleetEntities
  /// By device.
  private(set) var announcements: [TopicLevel: Announcement]
  /// What was rendered of each device last: most have not changed when one has.
  private var rendered: [TopicLevel: Rendered] = [:]

  private struct Rendered {
    var status: DeviceStatus?
    /// When the device was last read, whatever it was called then.
    var readAt: Date?
    var announcement: Announcement
    var messages: [Message]
  }

  /// - Parameters:
  ///   - announcements: as an earlier process left them.
  ///   - last: the board before this one.
  init(
    _ settings: MQTTSettings, _ fleet: PublishedFleet, announcements: [TopicLevel: Announcement] = [:],
    after last: FleetBoard? = nil
  ) {
    self.settings = settings
    self.fleet = fleet
    topics = GatewayTopics(fleet.gateway, below: settings.base)
    entities = FleetEntities(topics: topics)
    let ids = Set(fleet.devices.map(\.id))
    self.announcements = (last?.announcements ?? announcements).filter { ids.contains($0.key) }
    for (id, old) in last?.rendered ?? [:] where ids.contains(id) {
      rendered[id] = Rendered(readAt: old.readAt, announcement: Announcement(), messages: [])
    }
  }

  /// The messages of the gateway and of each device, by its id.
  struct Group: Equatable {
    /// `nil`: the gateway itself.
    var device: TopicLevel?
    var messages: [Message]
  }

  /// Everything that is there to say; what is learned of the devices is said from then on.
  mutating func groups(_ status: FleetStatus) -> [Group] {
    let byName = Dictionary(status.devices.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var groups = [Group(messages: gatewayMessages(status))]
    for device in fleet.devices {
      var now = byName[device.name].flatMap { device.isShown(by: $0) ? $0 : nil }
      let readAt = now?.readAt ?? rendered[device.id]?.readAt
      now?.readAt = readAt
      var announced = announcements[device.id] ?? Announcement()
      if let now { announced.learn(now) }
      announcements[device.id] = announced
      let shown = now.map(Self.timeless)
      if let last = rendered[device.id], last.status == shown, last.announcement == announced {
        groups.append(Group(device: device.id, messages: last.messages))
        continue
      }
      let messages = messages(of: device, now, announced, version: status.version)
      rendered[device.id] = Rendered(status: shown, readAt: readAt, announcement: announced, messages: messages)
      groups.append(Group(device: device.id, messages: messages))
    }
    // Until all devices' availabilities are those of now, what the broker kept of them is hidden by the gateway's.
    groups.append(
      Group(messages: [Message(topics.availability, Availability.online, isConclusion: true)]))
    return groups
  }

  /// Without what changes with time alone: of that, what is published is published with the next poll.
  private static func timeless(_ status: DeviceStatus) -> DeviceStatus {
    var status = status
    (status.age, status.availability) = (nil, nil)
    return status
  }

  private func gatewayMessages(_ status: FleetStatus) -> [Message] {
    discovery(
      id: entities.gatewayID, entities.gatewayDevice(version: status.version), entities.gatewayEntities, version: status.version)
      + [Message(topics.status, Self.json(GatewayDocument(status)))]
  }

  private func messages(
    of device: PublishedFleet.Device, _ status: DeviceStatus?, _ announced: Announcement, version: String
  ) -> [Message] {
    var messages = discovery(
      id: entities.id(of: device), entities.device(device, announced), entities.entities(of: device, announced),
      gone: entities.gone(announced), version: version)
    guard let status else {
      // In a configuration that the gateway has not taken up yet.
      return messages + [Message(topics.availability(of: device.level), Availability.offline)]
    }
    // What nothing may be shown of is unavailable first; what is there is available last.
    let state = Message(topics.state(of: device.level), Self.json(StateDocument(status)))
    let availability = Message(
      topics.availability(of: device.level), status.available ? Availability.online : Availability.offline)
    messages += status.available ? [state, availability] : [availability, state]
    messages.append(Message(topics.status(of: device.level), Self.json(StatusDocument(status))))
    return messages
  }

  // MARK: Discovery

  private func discovery(
    id: String, _ device: Discovery.Device, _ entities: [Discovery.Entity], gone: [String: Discovery.Platform] = [:],
    version: String
  ) -> [Message] {
    let origin = Discovery.Origin(softwareVersion: version)
    let whole = Message(
      configTopic(["device", id]),
      Self.json(Discovery.DeviceDocument(device: device, origin: origin, entities: entities, gone: gone)))
    let single = entities.map { entity in
      Message(
        configTopic([entity.platform.rawValue, id, entity.key]),
        Self.json(Discovery.EntityDocument(entity: entity, device: device, origin: origin)))
    }
    switch settings.discovery {
    case .off: return []
    case .device: return [whole]
    case .component: return single
    case .both: return single + [whole]
    }
  }

  private func configTopic(_ levels: [String]) -> TopicName {
    levels.reduce(settings.prefix) { $0.below(GatewayTopics.level($1)) }.below(GatewayTopics.level("config"))
  }

  /// Whether a topic of ours is one where something is announced, or was below another prefix.
  func announces(_ topic: TopicName) -> Bool { topic.description.hasSuffix("/config") }

  /// Whether what is announced there would be announced in the other form now: a device whole, or each of its entities.
  func changesForm(of topic: TopicName) -> Bool {
    guard topic.description.hasPrefix("\(settings.prefix)/") else { return false }
    let isWhole = topic.description.hasPrefix("\(settings.prefix)/device/")
    switch settings.discovery {
    case .device: return !isWhole
    case .component: return isWhole
    case .both, .off: return false
    }
  }

  /// Every one of these has only strings, numbers and words in it.
  private static func json(_ document: some Encodable) -> [UInt8] {
    guard let line = try? Wire.line(document) else { preconditionFailure("a document that has no JSON") }
    return line.dropLast()
  }
}
