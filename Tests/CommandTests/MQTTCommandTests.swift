import FoundationEssentials
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// The service and the demo at a real mosquitto.
@Suite struct MQTTCommandTests {
  private static func config(_ broker: Broker, _ more: String = "") -> String {
    """
    gateway: cabin
    interval: 1s
    link: bluez
    mqtt:
      host: 127.0.0.1
      port: \(broker.port)
      \(more)
    \(PollCommandTests.config)
    """
  }

  private static let state = "blupow/cabin/inverter/state"

  private struct State: Decodable {
    var readings: [String: Value]
    var readAt: String?

    enum CodingKeys: String, CodingKey {
      case readings
      case readAt = "read_at"
    }

    enum Value: Decodable, Equatable {
      case number(Double), text(String)

      init(from decoder: any Decoder) throws {
        let single = try decoder.singleValueContainer()
        self = try (try? single.decode(Double.self)).map { .number($0) } ?? .text(single.decode(String.self))
      }
    }
  }

  private func fleet(_ scene: Scene) async throws -> FleetStatus? {
    let run = try await scene.blupow(["status", "--json"])
    return try? Wire.decode(FleetStatus.self, from: Array(run.output.utf8))
  }

  private func status(_ scene: Scene) async throws -> DeviceStatus? { try await fleet(scene)?.devices.first }

  @Test(.timeLimit(.minutes(5))) func `one that is killed is offline, by the broker's own hand; the next one is the same`()
    async throws
  {
    let (scene, broker) = (try await Scene.one(), try await Broker())
    let listener = try await Listener(broker)
    let state = ["BLUPOW_STATE_DIR": "\(scene.simulation.directory)/state"]
    let first = try await scene.start(["run"], config: Self.config(broker), more: state)
    let log = ServiceLog(of: first) { _ in false }
    #expect(try await listener.wait(within: .seconds(120)) { $0[Self.state]?.contains("\"battery_voltage\":51.2") == true })
    #expect(
      try await listener.wait { retained in
        Self.uniqueIDs(retained).count == Scene.inverterReadings + 8 + 4 && retained["blupow/cabin/availability"] == "online"
      }, "readings, diagnostics with the signal of the first poll's scan, and the gateway's")
    let ids = Self.uniqueIDs(listener.retained)
    kill(first.pid, SIGKILL)
    #expect(try await listener.wait(within: .seconds(120)) { $0["blupow/cabin/availability"] == "offline" })
    _ = await log.whole
    let second = try await scene.start(["run"], config: Self.config(broker), more: state)
    let later = ServiceLog(of: second) { _ in false }
    #expect(try await listener.wait(within: .seconds(120)) { $0["blupow/cabin/availability"] == "online" })
    #expect(Self.uniqueIDs(listener.retained) == ids)
    let start = ContinuousClock.now
    kill(second.pid, SIGTERM)
    #expect(await later.whole.exitCode == 0)
    #expect(start.duration(to: .now) < .seconds(5))
    #expect(try await listener.wait { $0["blupow/cabin/availability"] == "offline" })
    await listener.end()
    await broker.leave()
    await scene.end()
  }

  private static func uniqueIDs(_ retained: [String: String]) -> Set<String> {
    Set(retained.values.compactMap { $0.firstMatch(of: /"unique_id":"([^"]+)"/).map { String($0.output.1) } })
  }

  @Test(.timeLimit(.minutes(5)), arguments: [SIGSTOP, SIGKILL])
  func `a broker that hangs or is dead delays no poll, and is said once`(signal: Int32) async throws {
    let (scene, broker) = (try await Scene.one(), try await Broker())
    let service = try await scene.start(["run", "-v"], config: Self.config(broker))
    let log = ServiceLog(of: service) { $0.contains("ok=true") }
    #expect(try await log.wait(forMore: 1, within: .seconds(120)) != nil)
    signal == SIGKILL ? await broker.end(by: signal) : await broker.signal(signal)
    // One a second, however many are waited for.
    let time = try #require(try await log.wait(forMore: 6, within: .seconds(120)))
    #expect(time < .seconds(12))
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.exitCode == 0)
    #expect(run.errors.components(separatedBy: "broker_away").count <= 2, "\(run.errors)")
    await broker.leave()
    await scene.end()
  }

  /// Twenty times in the long run.
  @Test(.timeLimit(.minutes(10))) func `a broker killed again and again under load holds the truth in the end`() async throws {
    let rounds = getenv("BLUPOW_TEST_LONG") == nil ? 3 : 20
    let (scene, broker) = (try await Scene.one(#""vary":true"#), try await Broker())
    let service = try await scene.start(["run", "-v"], config: Self.config(broker), deadline: .seconds(600))
    let log = ServiceLog(of: service) { $0.contains("ok=true") }
    #expect(try await log.wait(forMore: 2, within: .seconds(120)) != nil)
    var resident: [Int] = []
    for round in 0..<rounds {
      // Long enough for a connection that is one.
      #expect(try await log.wait(forMore: 4, within: .seconds(120)) != nil)
      await broker.end(by: SIGKILL)
      // Sometimes with all that it kept.
      if round % 3 == 0 { unlink("\(broker.directory)/mosquitto.db") }
      #expect(try await log.wait(forMore: 1, within: .seconds(120)) != nil)
      try await broker.start()
      while try await fleet(scene)?.problems.isEmpty != true { try await Task.sleep(for: .milliseconds(100)) }
      resident.append(try #require(Processes.residentKiB(of: service.pid)))
    }
    // From here on nothing is read any more: what was read last is what the broker has.
    _ = try await scene.tell(#"{"do":"faults","address":"\#(Scene.address)","faults":[{"fault":"never_connects"}]}"#)
    while try await status(scene)?.failure == nil { try await Task.sleep(for: .milliseconds(100)) }
    let said = try await scene.blupow(["status", "--json"]).output
    let truth = try #require(try Wire.decode(FleetStatus.self, from: Array(said.utf8)).devices.first)
    let readAt = try #require(said.firstMatch(of: /"read_at" : "([^"]+)"/)).output.1
    let listener = try await Listener(broker)
    #expect(
      try await listener.wait { $0[Self.state]?.contains(readAt) == true },
      "\(readAt): \(listener.retained[Self.state] ?? "nothing")")
    let shown = try Wire.decode(State.self, from: Array(try #require(listener.retained[Self.state]).utf8))
    let expected: [String: State.Value] = truth.readings.mapValues { reading in
      switch reading.value {
      case .number(let number): .number(number)
      case .text(let text): .text(text)
      }
    }
    #expect(shown.readings == expected && expected.count == Scene.inverterReadings)
    // No growth: what the first rounds brought is there at the last, and no more.
    if rounds >= 20 {
      print("broker killed \(rounds) times: resident \(resident.map(String.init).joined(separator: " ")) KiB")
      #expect(resident[rounds - 1] - resident[rounds / 2] < 1024)
    }
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    await listener.end()
    await broker.leave()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a login that is refused is one line without the password, and the readings go on`()
    async throws
  {
    let (scene, broker) = (try await Scene.one(), try await Broker("allow_anonymous false"))
    let secret = "\(scene.simulation.directory)/mqtt.password"
    try scene.write("open-sesame-4711\n", to: secret)
    let service = try await scene.start(
      ["run", "-v"], config: Self.config(broker, "username: blupow\n  password_file: \(secret)"))
    let log = ServiceLog(of: service) { $0.contains("ok=true") }
    #expect(try await log.wait(forMore: 4, within: .seconds(120)) != nil)
    let shown = try await scene.blupow(["status", "--json"]).output
    #expect(shown.contains("broker_away") && shown.contains("refuses the login of blupow"))
    let arguments = Processes.read("/proc/\(service.pid)/cmdline") ?? ""
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.errors.components(separatedBy: "broker_away").count == 2, "\(run.errors)")
    for text in [shown, arguments, run.errors, run.output] { #expect(!text.contains("sesame")) }
    await broker.leave()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a broker that the system's authorities vouch for needs no authority of its own`()
    async throws
  {
    let broker = try await Broker(
      "allow_anonymous true\ncertfile DIR/server.pem\nkeyfile DIR/server.key", isStarted: false)
    let directory = broker.directory
    let request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    let words = "\(request) -keyout \(directory)/server.key -out \(directory)/server.pem".split(separator: " ").map(String.init)
    #expect(try await Broker.run("/usr/bin/openssl", words) == 0)
    try await broker.start()
    let scene = try await Scene.one()
    let config = "mqtt: {host: localhost, port: \(broker.port), tls: true}\n" + PollCommandTests.config
    let known = try await scene.blupow(["unpublish"], config: config, more: ["SSL_CERT_FILE": "\(directory)/server.pem"])
    #expect(known.exitCode == 0 && known.output.contains("0 retained messages"), "\(known.errors)")
    let stranger = try await scene.blupow(["unpublish"], config: config)
    #expect(stranger.exitCode == 69 && stranger.errors.contains("No trusted encrypted connection"))
    await broker.leave()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `all that was published can be taken away, once the service has ended`() async throws {
    let (scene, broker) = (try await Scene.one(), try await Broker())
    let listener = try await Listener(broker)
    let service = try await scene.start(["run"], config: Self.config(broker))
    let log = ServiceLog(of: service) { _ in false }
    #expect(try await listener.wait(within: .seconds(120)) { $0[Self.state] != nil })
    let early = try await scene.blupow(["unpublish"], config: Self.config(broker))
    #expect(early.exitCode == 75 && early.errors.contains("end it first"))
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    let run = try await scene.blupow(["unpublish"], config: Self.config(broker))
    #expect(run.exitCode == 0 && run.output.contains("of the gateway cabin were taken away"), "\(run.errors)")
    #expect(try await listener.wait { $0.isEmpty })
    await broker.end()
    let nobody = try await scene.blupow(["unpublish"], config: Self.config(broker))
    #expect(nobody.exitCode == 69 && nobody.errors.contains("Connection refused"))
    let none = try await scene.blupow(["unpublish"], config: PollCommandTests.config)
    #expect(none.exitCode == 78 && none.errors.contains("no section `mqtt`"))
    await listener.end()
    await broker.leave()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `the demo shows simulated devices at a broker, marked so, and takes them away`()
    async throws
  {
    let (scene, broker) = (try await Scene.one(), try await Broker())
    let listener = try await Listener(broker)
    let demo = try await scene.start(["demo", "--mqtt", "127.0.0.1:\(broker.port)"])
    let log = ServiceLog(of: demo) { _ in false }
    let devices = ["inverter", "roof", "alternator", "battery_1", "battery_2", "battery_3", "shunt"]
    #expect(
      try await listener.wait(within: .seconds(120)) { retained in
        devices.allSatisfy { retained["blupow/demo/\($0)/availability"] == "online" }
      })
    for device in devices {
      #expect(listener.retained["blupow/demo/\(device)/state"]?.contains("\"test_mode\":true") == true)
    }
    let names = listener.retained.filter { $0.key.hasPrefix("homeassistant/") && !$0.key.contains("/blupow_demo/") }
    #expect(!names.isEmpty && names.allSatisfy { $0.value.contains("(simulated)\"") && $0.key.contains("_test/") })
    kill(demo.pid, SIGINT)
    #expect(await log.whole.exitCode == 0)
    #expect(try await listener.wait { $0.isEmpty }, "\(listener.retained.keys.sorted())")
    await listener.end()
    await broker.leave()
    await scene.end()
  }
}
