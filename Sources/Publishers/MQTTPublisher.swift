package import Logging
import MQTT
package import Policy
import Readings

/// Keeps a broker in step with the fleet, and its memory of what stands there: what is not to be there any more is taken away.
package actor MQTTPublisher {
  /// The last words have this long: a service ends in 5 s.
  static let farewell = Duration.milliseconds(1500)
  /// To take everything away takes longer.
  static let clearing = Duration.seconds(10)
  /// After Home Assistant's birth message everything is said again within that time: others do so too.
  static let birthPause = Duration.zero ... .seconds(3)
  /// Of the documents that it keeps.
  package static let kind = "published"

  /// What becomes of a topic that is not wanted any more.
  private enum Leaving: Equatable {
    /// Home Assistant is told that what it announced is announced elsewhere from now on; then it is cleared.
    case migrating
    case cleared
  }

  private var settings: MQTTSettings?
  private var board: FleetBoard?
  private var client: BrokerClient?
  private var latest: FleetStatus?
  /// By topic, what the broker was last told.
  private var shown: [TopicName: [UInt8]] = [:]
  private var leaving: [TopicName: Leaving] = [:]
  /// By device id, or the gateway's: what stands at the broker, as far as is known.
  private var kept: [String: PublishedTopics]
  private var isToldConnected = false
  private var birth: Task<Void, Never>?

  private let clearsAtEnd: Bool
  private let raise: @Sendable (Problem) async -> Void
  private let settle: @Sendable (Problem.Name) async -> Void
  private let log: Logger
  private let news: AsyncStream<Void>
  private let ring: AsyncStream<Void>.Continuation

  /// - Parameters:
  ///   - settings: `nil`: nothing is published, until others are adopted.
  ///   - memory: documents of an earlier process; those of other kinds are passed over.
  ///   - clearsAtEnd: nothing stays at the broker.
  package init(
    _ settings: MQTTSettings?, _ fleet: PublishedFleet, memory: [FleetMemory.Document] = [], clearsAtEnd: Bool = false,
    log: Logger, raise: @escaping @Sendable (Problem) async -> Void,
    settle: @escaping @Sendable (Problem.Name) async -> Void
  ) {
    kept = memory.filter { $0.kind == Self.kind }.reduce(into: [:]) { kept, document in
      kept[document.key] = try? Wire.decode(PublishedTopics.self, from: Array(document.text.utf8))
    }
    self.settings = settings
    let announcements = kept.reduce(into: [TopicLevel: Announcement]()) { all, entry in
      if let id = TopicLevel(entry.key) { all[id] = entry.value.announcement }
    }
    board = settings.map { FleetBoard($0, fleet, announcements: announcements) }
    self.clearsAtEnd = clearsAtEnd
    self.log = log
    self.raise = raise
    self.settle = settle
    (news, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// What is to outlive this process.
  package var documents: [FleetMemory.Document] {
    kept.sorted { $0.key < $1.key }.compactMap { key, topics in
      guard let line = try? Wire.line(topics) else { return nil }
      return FleetMemory.Document(kind: Self.kind, key: key, text: String(decoding: line.dropLast(), as: UTF8.self))
    }
  }

  /// Until cancelled; then the broker is told that the gateway is offline, for at most a second and a half; or, with `clearsAtEnd`,
  /// everything is taken away, for at most ten.
  package func run(_ statuses: any AsyncSequence<FleetStatus, Never> & Sendable) async {
    begin()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await status in statuses { await self.publish(status) } }
      group.addTask { for await _ in self.news { await self.noteStanding() } }
      await group.next()
      group.cancelAll()
    }
    birth?.cancel()
    await end(clearing: clearsAtEnd, of: board)
  }

  /// Other settings or devices; what is not wanted any more is taken away. At another broker it begins anew; at the old one what was said
  /// stays, and that nobody is there: it may be the same one by another name. Where nothing is to be published any more, nothing stays.
  package func adopt(_ new: MQTTSettings?, _ fleet: PublishedFleet) async {
    let (old, oldBoard) = (settings, board)
    settings = new
    board = new.map { FleetBoard($0, fleet, announcements: oldBoard?.announcements ?? [:]) }
    func connection(_ settings: MQTTSettings?, _ board: FleetBoard?) -> BrokerSettings? {
      board.flatMap { board in settings.map { $0.broker(of: board.topics) } }
    }
    if connection(new, board) != connection(old, oldBoard) || new?.prefix != old?.prefix {
      await end(clearing: new == nil, of: oldBoard)
      await settle(.brokerAway)
      await settle(.brokerRefuses)
      begin()
    }
    if let latest { publish(latest) }
  }

  // MARK: The connection

  private func begin() {
    guard let settings, let board else { return }
    let birthTopic = settings.prefix.below(GatewayTopics.level("status"))
    let client = BrokerClient(
      settings.broker(of: board.topics), listeningTo: [birthTopic.description],
      onMessage: { message in
        // One that was retained came with the connection: all has just been said.
        guard message.topic == birthTopic, !message.isRetained, message.payload == Array(Availability.online.utf8) else { return }
        Task { await self.noteBirth() }
      }, onChange: { [ring] in ring.yield() })
    self.client = client
    isToldConnected = false
    client.start()
  }

  private func end(clearing: Bool, of board: FleetBoard?) async {
    guard let client else { return }
    self.client = nil
    if clearing {
      let topics = Set(shown.keys).union(leaving.keys).union(kept.values.flatMap(\.topics).compactMap(TopicName.init))
      for topic in topics { client.put(Message(topic, [])) }
    } else if let board {
      client.put(Message(board.topics.availability, Availability.offline))
    }
    let hasSaidAll = await client.end(within: clearing ? Self.clearing : Self.farewell)
    (shown, leaving) = ([:], [:])
    if clearing, hasSaidAll { kept = [:] }
  }

  private func noteStanding() async {
    guard let client else { return }
    let standing = client.standing
    switch standing.link {
    case .connecting: break
    case .away(let trouble):
      isToldConnected = false
      await raise(Problem(.brokerAway, message: trouble.message, advice: trouble.advice))
    case .connected:
      if !isToldConnected { log.notice("published at the MQTT broker \(client.place)") }
      isToldConnected = true
      await settle(.brokerAway)
    }
    if let (topic, reason) = standing.refused.min(by: { $0.key.description < $1.key.description }) {
      let others = standing.refused.count - 1
      await raise(
        Problem(
          .brokerRefuses,
          message:
            "The MQTT broker refuses what is published at \(topic)\(others > 0 ? " and \(others) other topics" : ""): \(reason).",
          advice:
            "Let this user write below mqtt.base_topic and mqtt.discovery_prefix (the broker's access list), and look at its limits."
        ))
    } else if standing.isIdle {
      await settle(.brokerRefuses)
      finishLeaving()
    }
  }

  private func noteBirth() {
    guard birth == nil else { return }
    birth = Task {
      let span = Self.birthPause
      try? await Task.sleep(for: span.lowerBound + (span.upperBound - span.lowerBound) * Double.random(in: 0...1))
      if !Task.isCancelled { client?.startOver() }
      birth = nil
    }
  }

  // MARK: What stands there

  private func publish(_ status: FleetStatus) {
    latest = status
    guard let client, var board else { return }
    let groups = board.groups(status)
    self.board = board
    var wanted: Set<TopicName> = []
    for group in groups {
      let key = group.device?.description ?? PublishedTopics.gatewayKey
      kept[key, default: PublishedTopics(topics: [])].announcement = group.device.flatMap { board.announcements[$0] }
      kept[key]?.topics.formUnion(group.messages.map(\.topic.description))
      wanted.formUnion(group.messages.map(\.topic))
    }
    takeAway(notIn: wanted, groups, from: client, board)
    for message in groups.flatMap(\.messages) where shown[message.topic] != message.payload {
      shown[message.topic] = message.payload
      leaving[message.topic] = nil
      client.put(message)
    }
  }

  /// What stands there and is not wanted: cleared; where the same is announced in another way from now on, its entities are handed
  /// over to that first.
  private func takeAway(
    notIn wanted: Set<TopicName>, _ groups: [FleetBoard.Group], from client: BrokerClient, _ board: FleetBoard
  ) {
    let announced = Set(groups.filter { $0.messages.contains { board.announces($0.topic) } }.map { $0.device?.description })
    for (key, topics) in kept {
      let isAnnounced = announced.contains(key == PublishedTopics.gatewayKey ? nil : key)
      for topic in topics.topics.compactMap(TopicName.init) where !wanted.contains(topic) && leaving[topic] == nil {
        shown[topic] = nil
        let isReplaced = isAnnounced && board.announces(topic) && board.changesForm(of: topic)
        leaving[topic] = isReplaced ? .migrating : .cleared
        client.put(isReplaced ? Message(topic, #"{"migrate_discovery":true}"#) : Message(topic, []))
      }
    }
  }

  /// The broker has taken everything: what was handed over is cleared, what was cleared is forgotten.
  private func finishLeaving() {
    guard let client, let board else { return }
    for (topic, what) in leaving {
      switch what {
      case .migrating:
        leaving[topic] = .cleared
        client.put(Message(topic, []))
      case .cleared:
        leaving[topic] = nil
        for key in kept.keys { kept[key]?.topics.remove(topic.description) }
      }
    }
    let owners = Set(board.fleet.devices.map(\.id.description) + [PublishedTopics.gatewayKey])
    kept = kept.filter { owners.contains($0.key) || !$0.value.topics.isEmpty }
  }
}
