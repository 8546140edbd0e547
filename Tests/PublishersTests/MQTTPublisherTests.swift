import Foundation
import Glibc
import Logging
import MQTT
import Policy
import Readings
import Rig
import Synchronization
import Testing

@testable import Publishers

/// A publisher against a real mosquitto, heard by mosquitto_sub.
@Suite struct MQTTPublisherTests {
  /// A publisher that runs, and what it is told of the fleet.
  private final class Run: Sendable {
    let publisher: MQTTPublisher
    let log = LogLines()
    private let problems: Problems
    private let tell: AsyncStream<FleetStatus>.Continuation
    private let running: Task<Void, Never>

    /// What is a problem now, and how often each began.
    private final class Problems: Sendable {
      private let state = Mutex<(standing: [Problem.Name: Problem], begun: [Problem.Name])>(([:], []))

      func raise(_ problem: Problem) {
        state.withLock { state in
          if state.standing.updateValue(problem, forKey: problem.name) == nil { state.begun.append(problem.name) }
        }
      }
      func settle(_ name: Problem.Name) { state.withLock { $0.standing[name] = nil } }
      var standing: [Problem.Name: Problem] { state.withLock { $0.standing } }
      var begun: [Problem.Name] { state.withLock { $0.begun } }
    }

    init(
      _ settings: MQTTSettings?, _ config: GatewayConfig, memory: [FleetMemory.Document] = [], clearsAtEnd: Bool = false
    ) {
      let (log, problems) = (log, Problems())
      self.problems = problems
      let publisher = MQTTPublisher(
        settings, PublishedFleet(config), memory: memory, clearsAtEnd: clearsAtEnd,
        log: Logger(label: "mqtt") { _ in log.handler(level: .notice) }, raise: { problems.raise($0) },
        settle: { problems.settle($0) })
      self.publisher = publisher
      let (statuses, tell) = AsyncStream.makeStream(of: FleetStatus.self)
      self.tell = tell
      running = Task { await publisher.run(statuses) }
    }

    func show(_ status: FleetStatus) { tell.yield(status) }
    var standing: [Problem.Name: Problem] { problems.standing }
    var begun: [Problem.Name] { problems.begun }

    /// Waits until that is so; whether it came so in time.
    func wait(within limit: Duration = .seconds(120), until isSo: () async -> Bool) async throws -> Bool {
      let start = ContinuousClock.now
      while !(await isSo()) {
        guard start.duration(to: .now) < limit else { return false }
        try await Task.sleep(for: .milliseconds(10))
      }
      return true
    }

    @discardableResult func end() async -> [FleetMemory.Document] {
      running.cancel()
      await running.value
      return await publisher.documents
    }
  }

  private static let root = "blupow/cabin"

  @Test func `states follow what is known, and a farewell says that nobody is there`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/inverter/state"]?.contains("\"battery_voltage\":51.2") == true })
    #expect(try await listener.wait { $0["\(Self.root)/shunt/availability"] == "offline" })
    run.show(try Sample.fleetAtBroker(volts: 52.4))
    #expect(try await listener.wait { $0["\(Self.root)/inverter/state"]?.contains("\"battery_voltage\":52.4") == true })
    let states = listener.heard.filter { $0.topic == "\(Self.root)/inverter/availability" }
    #expect(states.map(\.payload) == ["online"])
    await run.end()
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "offline" })
    await listener.end()
    await broker.leave()
  }

  @Test func `what is no longer configured is taken away, at the next start or at once`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let config = try Sample.config()
    var run = Run(Sample.settings(broker.port), config)
    run.show(try Sample.fleetAtBroker())
    let shunts: @Sendable (String) -> Bool = { $0.contains("d8b673bf4f83") || $0.contains("/shunt/") }
    #expect(try await listener.wait { $0.keys.filter(shunts).count > 10 && $0["\(Self.root)/availability"] == "online" })
    let memory = await run.end()
    var less = config
    less.devices.removeLast()
    // At the next start.
    run = Run(Sample.settings(broker.port), less, memory: memory)
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0.keys.filter(shunts).isEmpty && $0["\(Self.root)/availability"] == "online" })
    #expect(try await run.wait { await run.publisher.documents.map(\.key) == ["d8b673bf4f75_32", "gateway"] })
    // At a reload it comes back, and goes again.
    await run.publisher.adopt(Sample.settings(broker.port), PublishedFleet(config))
    #expect(try await listener.wait { !$0.keys.filter(shunts).isEmpty })
    await run.publisher.adopt(Sample.settings(broker.port), PublishedFleet(less))
    #expect(try await listener.wait { $0.keys.filter(shunts).isEmpty })
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `a device that is renamed keeps its entities, and leaves no topic behind`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    let before = Set(listener.retained.keys.filter { $0.hasPrefix("homeassistant/") })
    await run.publisher.adopt(Sample.settings(broker.port), PublishedFleet(try Sample.config(["Big one", "Shunt"])))
    run.show(try Sample.fleetAtBroker(["Big one", "Shunt"]))
    #expect(
      try await listener.wait { retained in
        retained["\(Self.root)/big_one/state"] != nil && !retained.keys.contains { $0.contains("/inverter/") }
      })
    #expect(Set(listener.retained.keys.filter { $0.hasPrefix("homeassistant/") }) == before)
    let voltage = try #require(
      listener.retained["homeassistant/sensor/blupow_cabin_d8b673bf4f75_32/battery_voltage/config"])
    #expect(voltage.contains("\"unique_id\":\"blupow_cabin_d8b673bf4f75_32_battery_voltage\"") && voltage.contains("Big one"))
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `a device that is found to be another takes its old entities with it`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    var config = try Sample.config()
    config.devices[0].profile = "auto"
    let run = Run(Sample.settings(broker.port), config)
    var status = try Sample.fleetAtBroker()
    run.show(status)
    let entities = "homeassistant/sensor/blupow_cabin_d8b673bf4f75_32"
    #expect(
      try await listener.wait { $0["\(entities)/output_voltage/config"] != nil && $0["\(Self.root)/availability"] == "online" })
    status.devices[0].profile = "controller"
    run.show(status)
    #expect(
      try await listener.wait { retained in
        retained["\(entities)/output_voltage/config"] == nil && retained["\(entities)/load_power/config"] != nil
          && retained["\(entities)/battery_voltage/config"] != nil
      })
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `from one form of announcing to the other entities are handed over when the old documents have gone`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let config = try Sample.config()
    var run = Run(Sample.settings(broker.port), config)
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    let memory = await run.end()
    let mark = listener.heard.count
    run = Run(Sample.settings(broker.port, .device), config, memory: memory)
    run.show(try Sample.fleetAtBroker())
    #expect(
      try await listener.wait(within: .seconds(120)) { retained in
        let announced = retained.keys.filter { $0.hasPrefix("homeassistant/") }
        return announced.count == 3 && announced.allSatisfy { $0.hasPrefix("homeassistant/device/") }
      })
    let topic = "homeassistant/sensor/blupow_cabin_d8b673bf4f75_32/battery_voltage/config"
    let later = listener.heard[mark...]
    let whole = try #require(later.firstIndex { $0.topic == "homeassistant/device/blupow_cabin_d8b673bf4f75_32/config" })
    let old = later[..<whole].filter { $0.topic == topic }.map(\.payload)
    #expect(old.suffix(2) == [#"{"migrate_discovery":true}"#, ""])
    #expect(!later[whole...].contains { $0.topic == topic })
    #expect(try await run.wait { await !run.publisher.documents.contains { $0.text.contains("/sensor/") } })
    // And back.
    await run.publisher.adopt(Sample.settings(broker.port), PublishedFleet(config))
    #expect(
      try await listener.wait(within: .seconds(120)) {
        $0[topic] != nil && !$0.keys.contains { $0.hasPrefix("homeassistant/device/") }
      })
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test(arguments: [MQTTSettings.Discovery.device, .component])
  func `from both forms to one, that one is said again after the other was told to hand over`(
    form: MQTTSettings.Discovery
  ) async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let config = try Sample.config()
    let run = Run(Sample.settings(broker.port, .both), config)
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    let mark = listener.heard.count
    await run.publisher.adopt(Sample.settings(broker.port, form), PublishedFleet(config))
    let whole = "homeassistant/device/blupow_cabin_d8b673bf4f75_32/config"
    let single = "homeassistant/sensor/blupow_cabin_d8b673bf4f75_32/battery_voltage/config"
    let (kept, left) = form == .device ? (whole, single) : (single, whole)
    #expect(try await run.wait(within: .seconds(120)) { listener.heard[mark...].contains { $0.topic == kept } })
    let later = listener.heard[mark...]
    let said = try #require(later.firstIndex { $0.topic == kept })
    #expect(later[..<said].filter { $0.topic == left }.map(\.payload).suffix(2) == [MQTTPublisher.migration, ""])
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `whoever is given other settings before it runs has one connection`() async throws {
    let broker = try await Broker("allow_anonymous true\nlog_dest file DIR/log\nlog_type notice\nconnection_messages true")
    let listener = try await Listener(broker)
    let config = try Sample.config()
    let publisher = MQTTPublisher(
      Sample.settings(broker.port), PublishedFleet(config),
      log: Logger(label: "mqtt") { _ in LogLines().handler(level: .notice) },
      raise: { _ in }, settle: { _ in })
    var other = Sample.settings(broker.port)
    other.clientID = "other"
    await publisher.adopt(other, PublishedFleet(config))
    let (statuses, tell) = AsyncStream.makeStream(of: FleetStatus.self)
    let running = Task { await publisher.run(statuses) }
    tell.yield(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    running.cancel()
    await running.value
    let log = try String(contentsOfFile: "\(broker.directory)/log", encoding: .utf8)
    #expect(
      log.split(separator: "\n").count { $0.contains("New client connected") && $0.contains("as other") } == 1, "\(log)")
    await listener.end()
    await broker.leave()
  }

  private final class Gate: Sendable {
    let isOpen = Atomic(false)
  }

  @Test func `a new name that is adopted as it begins to run leaves what the old one said`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let config = try Sample.config()
    let old = Run(Sample.settings(broker.port), config)
    old.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    let memory = await old.end()
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "offline" })
    let before = listener.retained
    let (gate, log) = (Gate(), LogLines())
    let publisher = MQTTPublisher(
      Sample.settings(broker.port), PublishedFleet(config), memory: memory,
      log: Logger(label: "mqtt") { _ in log.handler(level: .notice) }, raise: { _ in },
      settle: { _ in while !gate.isOpen.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(2)) } })
    var renamed = config
    renamed.name = "boat"
    let fleet = PublishedFleet(renamed)
    let settings = Sample.settings(broker.port)
    // It waits for the settling, while the other publishes.
    let adopting = Task.immediate { await publisher.adopt(settings, fleet) }
    let (statuses, tell) = AsyncStream.makeStream(of: FleetStatus.self)
    let running = Task { await publisher.run(statuses) }
    tell.yield(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["blupow/boat/availability"] == "online" })
    gate.isOpen.store(true, ordering: .relaxed)
    await adopting.value
    #expect(log.all.contains { $0.contains("`blupow unpublish --gateway cabin`") })
    running.cancel()
    await running.value
    #expect(try await listener.wait { $0["blupow/boat/availability"] == "offline" })
    #expect(listener.retained.filter { before[$0.key] != nil } == before)
    await listener.end()
    await broker.leave()
  }

  @Test func `a state is emptied when nothing announces it any more`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    await run.publisher.adopt(Sample.settings(broker.port), PublishedFleet(try Sample.config(["Big one", "Shunt"])))
    run.show(try Sample.fleetAtBroker(["Big one", "Shunt"]))
    #expect(try await listener.wait { !$0.keys.contains { $0.contains("/inverter/") } })
    let emptied = try #require(listener.heard.firstIndex { $0.topic == "\(Self.root)/inverter/state" && $0.payload.isEmpty })
    let announced = try #require(
      listener.heard.lastIndex { $0.topic.hasPrefix("homeassistant/") && $0.payload.contains("Big one") })
    #expect(announced < emptied)
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `a service that ends while it takes everything away from a broker that hangs ends in time`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    await broker.signal(SIGSTOP)
    let fleet = PublishedFleet(try Sample.config())
    let start = ContinuousClock.now
    // Asked for before the end is.
    let reload = Task.immediate { await run.publisher.adopt(nil, fleet) }
    await run.end()
    await reload.value
    // Neither the announcements' 5 s nor Home Assistant's 3 s are waited for.
    #expect(start.duration(to: .now) < .seconds(5))
    await broker.signal(SIGCONT)
    await listener.end()
    await broker.leave()
  }

  @Test func `with Home Assistant's birth everything is said again`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    let count = listener.heard.count
    try await broker.publish("homeassistant/status", "online")
    #expect(try await run.wait { listener.heard.count == 2 * count + 1 })
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `a broker that is away is one problem, said once, and over when it is back`() async throws {
    let broker = try await Broker(isStarted: false)
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await run.wait { run.standing[.brokerAway] != nil })
    #expect(run.standing[.brokerAway]?.message.contains("127.0.0.1:\(broker.port) cannot be reached") == true)
    try await broker.start()
    #expect(try await run.wait { run.standing.isEmpty })
    #expect(run.begun == [.brokerAway])
    await run.end()
    await broker.leave()
  }

  @Test func `a broker that takes nothing is a problem that names the topic`() async throws {
    let broker = try await Broker(
      "allow_anonymous true\nacl_file DIR/acl", files: ["acl": "topic readwrite blupow/#\ntopic read homeassistant/#\n"])
    let run = Run(Sample.settings(broker.port), try Sample.config())
    run.show(try Sample.fleetAtBroker())
    #expect(try await run.wait { run.standing[.brokerRefuses] != nil })
    let problem = try #require(run.standing[.brokerRefuses])
    #expect(problem.message.contains("homeassistant/") && problem.message.contains("not authorized"))
    await run.end()
    await broker.leave()
  }

  @Test func `two gateways at one broker do not touch each other's`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    var other = try Sample.config()
    other.name = "boat"
    let runs = [
      Run(Sample.settings(broker.port), try Sample.config()), Run(Sample.settings(broker.port), other, clearsAtEnd: true),
    ]
    for run in runs { run.show(try Sample.fleetAtBroker()) }
    #expect(
      try await listener.wait { $0["blupow/cabin/availability"] == "online" && $0["blupow/boat/availability"] == "online" })
    let mine = listener.retained.filter { $0.key.contains("cabin") }
    let ids = listener.retained.values.compactMap { $0.firstMatch(of: /"unique_id":"([^"]+)"/)?.output.1 }
    #expect(Set(ids).count == ids.count)
    await runs[1].end()
    #expect(try await listener.wait { !$0.keys.contains { $0.contains("boat") } })
    #expect(listener.retained == mine)
    await runs[0].end()
    await listener.end()
    await broker.leave()
  }

  @Test func `at another broker all is said, at the old one that nobody is there; with none nothing stays`() async throws {
    let brokers = [try await Broker(), try await Broker()]
    let listeners = [try await Listener(brokers[0]), try await Listener(brokers[1])]
    let run = Run(nil, try Sample.config())
    run.show(try Sample.fleetAtBroker())
    let fleet = PublishedFleet(try Sample.config())
    await run.publisher.adopt(Sample.settings(brokers[0].port), fleet)
    #expect(try await listeners[0].wait { $0["\(Self.root)/availability"] == "online" })
    let before = listeners[0].retained.count
    await run.publisher.adopt(Sample.settings(brokers[1].port), fleet)
    #expect(try await listeners[1].wait { $0["\(Self.root)/availability"] == "online" })
    // It may be the same one by another name: entities that are cleared lose what people have set.
    #expect(try await listeners[0].wait { $0["\(Self.root)/availability"] == "offline" })
    #expect(listeners[0].retained.count == before)
    await run.publisher.adopt(nil, fleet)
    #expect(try await listeners[1].wait { $0.isEmpty })
    #expect(await run.end() == [])
    for listener in listeners { await listener.end() }
    for broker in brokers { await broker.leave() }
  }

  @Test func `a gateway that is renamed leaves what it said, and that it is gone; one that moves there leaves nothing`()
    async throws
  {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let config = try Sample.config()
    var renamed = config
    renamed.name = "boat"
    var run = Run(Sample.settings(broker.port), config)
    run.show(try Sample.fleetAtBroker())
    #expect(try await listener.wait { $0["\(Self.root)/availability"] == "online" })
    let before = listener.retained.filter { $0.key != "\(Self.root)/availability" }
    let memory = await run.end()
    // By a copy of the store, or by a reload: the other one may be alive.
    for way in ["at a start", "at a reload"] {
      run = Run(Sample.settings(broker.port), way == "at a start" ? renamed : config, memory: memory)
      run.show(try Sample.fleetAtBroker())
      await run.publisher.adopt(Sample.settings(broker.port), PublishedFleet(renamed))
      #expect(try await listener.wait { $0["blupow/boat/availability"] == "online" })
      #expect(listener.retained["\(Self.root)/availability"] == "offline")
      #expect(listener.retained.filter { before[$0.key] != nil } == before)
      #expect(run.log.all.contains { $0.contains("`blupow unpublish --gateway cabin`") })
      guard way == "at a start" else { continue }
      await run.end()
      // That the next one is online is then its own word.
      #expect(try await listener.wait { $0["blupow/boat/availability"] == "offline" })
    }
    var moved = Sample.settings(broker.port)
    (moved.base, moved.prefix) = (Sample.topic("van/power"), Sample.topic("ha"))
    let mark = listener.heard.count
    await run.publisher.adopt(moved, PublishedFleet(renamed))
    #expect(
      try await listener.wait(within: .seconds(120)) { retained in
        retained["van/power/boat/availability"] == "online"
          && !retained.keys.contains { $0.hasPrefix("blupow/boat/") || $0.hasPrefix("homeassistant/") && $0.contains("boat") }
      })
    let cleared = listener.heard[mark...].filter(\.payload.isEmpty).map(\.topic)
    let states = try #require(cleared.firstIndex { $0.hasSuffix("/state") })
    #expect(!cleared[states...].contains { $0.hasPrefix("homeassistant/") }, "announcements go first")
    await run.end()
    await listener.end()
    await broker.leave()
  }

  @Test func `what a gateway left is found at the broker by whoever was told its name, and nothing else`() async throws {
    let broker = try await Broker("allow_anonymous true\nmax_queued_messages 1000")
    let listener = try await Listener(broker, qos: 0)
    for name in ["cabin", "cabin_2"] {
      var config = try Sample.config()
      config.name = name
      let run = Run(Sample.settings(broker.port), config)
      run.show(try Sample.fleetAtBroker())
      #expect(try await listener.wait { $0["blupow/\(name)/availability"] == "online" })
      await run.end()
    }
    // A neighbour's, and one of the user's own that shows a state of ours; and more of others than a broker keeps waiting for a client.
    try await broker.publish("homeassistant/sensor/other/x/config", #"{"state_topic":"other/x"}"#, retained: true)
    try await broker.publish("homeassistant/sensor/mine/x/config", #"{"state_topic":"blupow/cabin/shunt/state"}"#, retained: true)
    try await broker.publish("homeassistant/sensor/blupow_cabin_x/y/config", MQTTPublisher.migration, retained: true)
    let others = BrokerClient(BrokerSettings(host: "127.0.0.1", port: broker.port, clientID: "others"))
    others.start()
    for number in 0..<1500 { others.put(Message(Sample.topic("homeassistant/sensor/zigbee/n\(number)/config"), "{}")) }
    // The last of them, and with it all that others have said before.
    #expect(try await listener.wait { $0["homeassistant/sensor/zigbee/n1499/config"] != nil })
    await others.end(within: .seconds(5))
    #expect(try await listener.wait { $0["homeassistant/sensor/other/x/config"] != nil })
    let all = listener.retained.count
    let level = try #require(TopicLevel("cabin"))
    let taken = try await Unpublisher(Sample.settings(broker.port), gateway: level).run().get()
    #expect(try await listener.wait { $0.count == all - taken })
    let left = listener.retained.keys
    #expect(taken > 20 && left.allSatisfy { ["cabin_2", "other", "mine", "zigbee"].contains(where: $0.contains) })
    #expect(left.count { $0.contains("zigbee") } == 1500 && left.contains { $0.contains("mine") })
    #expect(try await Unpublisher(Sample.settings(broker.port), gateway: level).run().get() == 0)
    await listener.end()
    await broker.leave()
  }

  @Test func `who is stopped while looking takes nothing away`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    try await broker.publish("blupow/cabin/shunt/state", "{}", retained: true)
    #expect(try await listener.wait { $0.count == 1 })
    let settings = Sample.settings(broker.port)
    let level = try #require(TopicLevel("cabin"))
    let looking = Task.immediate { await Unpublisher(settings, gateway: level).run() }
    looking.cancel()
    let result = await looking.value
    let trouble = #expect(throws: BrokerTrouble.self) { try result.get() }
    #expect(trouble?.message.contains("stopped before all was seen") == true)
    // Whatever it has said is heard before this.
    try await broker.publish("last", "1", retained: true)
    #expect(try await listener.wait { $0["last"] != nil } && listener.retained.count == 2)
    await listener.end()
    await broker.leave()
  }
}
