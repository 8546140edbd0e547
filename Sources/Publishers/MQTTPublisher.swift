package import Logging
import MQTT
package import Policy
import Readings

/// Keeps a broker in step with the fleet, and its memory of what stands there: what is not to be there any more is taken away.
package actor MQTTPublisher {
  /// The last words have this long: a service ends in 5 s.
  static let farewell = Duration.milliseconds(1500)
  /// To take all announcements away takes longer.
  static let clearing = Duration.seconds(5)
  /// Home Assistant needs a moment to let go of an entity, and complains of a state that is emptied before: 1 s was too short for a loaded
  /// 2024.3.3.
  static let parting = Duration.seconds(3)
  /// Of a document that takes entities over it loses what follows an entity that is still being let go (2026.2.3,
  /// mqtt/discovery.py, `async_discovery_message_received`).
  static let handingOver = Duration.seconds(10)
  /// After Home Assistant's birth message everything is said again within that time: others do so too.
  static let birthPause = Duration.zero ... .seconds(3)
  /// Of the documents that it keeps.
  package static let kind = "published"

  /// What becomes of a topic that is not wanted any more.
  private enum Leaving: Equatable {
    /// Home Assistant is told that what it announced will be announced elsewhere, and lets go of it; then it is cleared.
    case migrating
    /// A state of what is announced no longer: cleared a moment after that.
    case parting
    case clearing
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
  /// Since when only states are left to be cleared.
  private var partsSince: ContinuousClock.Instant?
  /// Documents that take over what others have announced, until those have let go.
  private var held: Set<TopicName> = []
  private var heldSince: ContinuousClock.Instant?
  private var isToldConnected = false
  private var isOver = false
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
    let renamed = Self.disown(&kept, fleet.gateway)
    self.clearsAtEnd = clearsAtEnd
    self.log = log
    self.raise = raise
    self.settle = settle
    (news, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    if let renamed { log.notice("\(Self.remains(of: renamed))") }
  }

  /// What was said by a gateway of another name stays: it may be a living one, from whose store this one's was copied.
  ///
  /// - Returns: that name.
  private static func disown(_ kept: inout [String: PublishedTopics], _ gateway: TopicLevel) -> String? {
    guard let old = kept[PublishedTopics.gatewayKey]?.gateway, old != gateway.description else { return nil }
    for key in kept.keys { kept[key]?.topics = [] }
    return old
  }

  private static func remains(of gateway: String) -> String {
    "what was published as gateway \(gateway) stays at the MQTT broker; `blupow unpublish --gateway \(gateway)` takes it away"
  }

  /// What is to outlive this process.
  package var documents: [FleetMemory.Document] {
    kept.sorted { $0.key < $1.key }.compactMap { key, topics in
      guard let line = try? Wire.line(topics) else { return nil }
      return FleetMemory.Document(kind: Self.kind, key: key, text: String(decoding: line.dropLast(), as: UTF8.self))
    }
  }

  /// Until cancelled; then the broker is told that the gateway is offline, for at most a second and a half; or, with `clearsAtEnd`,
  /// everything is taken away, for at most ten seconds.
  package func run(_ statuses: any AsyncSequence<FleetStatus, Never> & Sendable) async {
    begin()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await status in statuses { await self.publish(status) } }
      group.addTask { for await _ in self.news { await self.noteStanding() } }
      await group.next()
      group.cancelAll()
    }
    birth?.cancel()
    isOver = true
    await end(clearing: clearsAtEnd, of: board)
  }

  /// Other settings or devices; what is not wanted any more is taken away. At another broker it begins anew; at the old one what was said
  /// stays, and that nobody is there: it may be the same one by another name. Where nothing is to be published any more, nothing stays.
  package func adopt(_ new: MQTTSettings?, _ fleet: PublishedFleet) async {
    let (old, oldBoard) = (settings, board)
    settings = new
    board = new.map { FleetBoard($0, fleet, after: oldBoard) }
    func connection(_ settings: MQTTSettings?, _ board: FleetBoard?) -> BrokerSettings? {
      board.flatMap { board in settings.map { $0.broker(of: board.topics) } }
    }
    if connection(new, board) != connection(old, oldBoard) || new?.prefix != old?.prefix {
      // Before anybody else has a turn, and publishes by the new name what would then count as its own.
      if new != nil, let renamed = Self.disown(&kept, fleet.gateway) { log.notice("\(Self.remains(of: renamed))") }
      await end(clearing: new == nil, of: oldBoard)
      await settle(.brokerAway)
      await settle(.brokerRefuses)
      begin()
    }
    if let latest { publish(latest) }
  }

  /// Of the broker that it uses; `nil`: none.
  package var place: String? { settings?.broker.place }

  // MARK: The connection

  private func begin() {
    // Other settings may be adopted before it runs, or while an old connection ends: two of one name would throw each other out.
    guard client == nil, let settings, let board, !isOver else { return }
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
    guard let client, let board else { return }
    self.client = nil
    if clearing {
      await clearAll(client, board)
    } else {
      await client.end(saying: Message(board.topics.availability, Availability.offline), within: Self.farewell)
    }
    (shown, leaving, partsSince) = ([:], [:], nil)
    (held, heldSince) = ([], nil)
  }

  /// What announces first, and states when Home Assistant has let go of them. A service that ends meanwhile waits for neither.
  private func clearAll(_ client: BrokerClient, _ board: FleetBoard) async {
    let topics = Set(shown.keys).union(leaving.keys).union(kept.values.flatMap(\.topics).compactMap(TopicName.init))
    let (announcing, states) = (topics.filter(board.announces), topics.filter { !board.announces($0) })
    for topic in announcing { client.put(Message(topic, [])) }
    if !announcing.isEmpty {
      await pause(atMost: Self.clearing) { client.standing.isIdle }
      await pause(atMost: Self.parting) { false }
    }
    for topic in states { client.put(Message(topic, [])) }
    if await client.end(within: Self.farewell) { kept = [:] }
  }

  private func pause(atMost limit: Duration, unless isEnough: () -> Bool) async {
    let end = ContinuousClock.now + limit
    while !isEnough(), !isOver || clearsAtEnd, .now < end {
      // Not cancelled with the service, whose end this is.
      await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
    }
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
    }
    finishLeaving()
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
    kept[PublishedTopics.gatewayKey, default: PublishedTopics()].gateway = board.fleet.gateway.description
    var wanted: Set<TopicName> = []
    for group in groups {
      let key = group.device?.description ?? PublishedTopics.gatewayKey
      kept[key, default: PublishedTopics()].announcement = group.device.flatMap { board.announcements[$0] }
      kept[key]?.topics.formUnion(group.messages.map(\.topic.description))
      wanted.formUnion(group.messages.map(\.topic))
    }
    let stale = stale(notIn: wanted)
    handOver(stale, groups, from: client, board)
    for message in groups.flatMap(\.messages) where shown[message.topic] != message.payload && !held.contains(message.topic) {
      shown[message.topic] = message.payload
      leaving[message.topic] = nil
      client.put(message)
    }
    for topic in stale.map(\.topic) where leaving[topic] == nil {
      shown[topic] = nil
      leaving[topic] = board.announces(topic) ? .clearing : .parting
      if board.announces(topic) { client.put(Message(topic, [])) }
    }
  }

  /// What stands there, is not wanted, and is not on its way out yet.
  private func stale(notIn wanted: Set<TopicName>) -> [(owner: String, topic: TopicName)] {
    kept.flatMap { owner, topics in
      topics.topics.compactMap(TopicName.init).filter { !wanted.contains($0) && leaving[$0] == nil }.map { (owner, $0) }
    }
  }

  /// Where the same is announced in the other form from now on, its entities are handed over to that, which is said when the old
  /// document is cleared: cleared afterwards, Home Assistant takes the clearing for a second opinion, and warns of each entity.
  private func handOver(
    _ stale: [(owner: String, topic: TopicName)], _ groups: [FleetBoard.Group], from client: BrokerClient, _ board: FleetBoard
  ) {
    for (owner, topic) in stale where board.announces(topic) && board.changesForm(of: topic) {
      let device = owner == PublishedTopics.gatewayKey ? nil : owner
      let own = groups.filter { $0.device?.description == device }.flatMap(\.messages).map(\.topic).filter(board.announces)
      guard !own.isEmpty else { continue }
      for topic in own { shown[topic] = nil }
      held.formUnion(own)
      heldSince = nil
      shown[topic] = nil
      leaving[topic] = .migrating
      client.put(Message(topic, Self.migration))
    }
  }

  /// https://www.home-assistant.io/integrations/mqtt/#migration-from-single-component-to-device-based-discovery
  static let migration = #"{"migrate_discovery":true}"#

  /// Where the broker has taken everything: what was cleared is forgotten, and states go when nothing else is left.
  private func finishLeaving() {
    guard let client, let board, !leaving.isEmpty else { return }
    let standing = client.standing
    guard standing.isIdle else { return }
    guard held.isEmpty else { return takeOver(client) }
    for (topic, what) in leaving where what == .clearing && standing.refused[topic] == nil {
      leaving[topic] = nil
      for key in kept.keys { kept[key]?.topics.remove(topic.description) }
    }
    part(client)
    let owners = Set(board.fleet.devices.map(\.id.description) + [PublishedTopics.gatewayKey])
    kept = kept.filter { owners.contains($0.key) || !$0.value.topics.isEmpty }
  }

  /// What announced before has been told, a moment ago: it is cleared, and what takes over is said.
  private func takeOver(_ client: BrokerClient) {
    guard let since = heldSince else {
      heldSince = .now
      return lookAgain(after: Self.handingOver)
    }
    guard since + Self.handingOver <= .now else { return }
    for topic in leaving.filter({ $0.value == .migrating }).keys {
      leaving[topic] = .clearing
      client.put(Message(topic, []))
    }
    (held, heldSince) = ([], nil)
    if let latest { publish(latest) }
  }

  private func lookAgain(after pause: Duration) {
    Task { [ring] in
      try? await Task.sleep(for: pause)
      ring.yield()
    }
  }

  private func part(_ client: BrokerClient) {
    let states = leaving.filter { $0.value == .parting }.keys
    guard !states.isEmpty, states.count == leaving.count else {
      partsSince = nil
      return
    }
    let since = partsSince ?? .now
    guard since + Self.parting <= .now else {
      guard partsSince == nil else { return }
      partsSince = since
      return lookAgain(after: Self.parting)
    }
    partsSince = nil
    for topic in states {
      leaving[topic] = .clearing
      client.put(Message(topic, []))
    }
  }
}
