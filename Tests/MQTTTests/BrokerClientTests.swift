import Glibc
import MQTT
import Rig
import Synchronization
import Testing

/// A client against a real mosquitto, heard by mosquitto_sub.
@Suite struct BrokerClientTests {
  static func topic(_ text: String) -> TopicName { TopicName(text) ?? { preconditionFailure() }() }

  /// What became of the connection, in order.
  private final class Links: Sendable {
    private let seen = Mutex<[BrokerClient.Link]>([])

    func note(_ link: BrokerClient.Link) { seen.withLock { if $0.last != link { $0.append(link) } } }
    var all: [BrokerClient.Link] { seen.withLock { $0 } }
    var troubles: [BrokerTrouble] { all.compactMap { if case .away(let trouble) = $0 { trouble } else { nil } } }
  }

  private func settings(_ broker: Broker, _ change: (inout BrokerSettings) -> Void = { _ in }) -> BrokerSettings {
    var settings = BrokerSettings(host: "127.0.0.1", port: broker.port, clientID: "blupow-test")
    change(&settings)
    return settings
  }

  private func wait(within limit: Duration = .seconds(120), until isThere: () -> Bool) async throws -> Bool {
    let start = ContinuousClock.now
    while !isThere() {
      guard start.duration(to: .now) < limit else { return false }
      try await Task.sleep(for: .milliseconds(5))
    }
    return true
  }

  @Test(arguments: [
    ("broker.lan", "broker.lan:1883"), ("::1", "[::1]:1883"), ("user:secret@broker.lan", "broker.lan:1883"),
    ("u:p@ss@::1", "[::1]:1883"), ("secret@", ":1883"),
  ]) func `a place is a host and a port, and no login`(host: String, place: String) {
    #expect(BrokerSettings(host: host, port: 1883, clientID: "").place == place)
  }

  /// The first trouble of a client with these settings.
  private func trouble(_ settings: BrokerSettings) async throws -> BrokerTrouble {
    let links = Links()
    let client = BrokerClient(settings)
    client.start()
    #expect(
      try await wait {
        links.note(client.standing.link); return !links.troubles.isEmpty
      })
    await client.end(within: .seconds(1))
    return try #require(links.troubles.first)
  }

  @Test(arguments: BrokerSettings.Version.allCases)
  func `what is put is what the broker keeps, and a farewell is no loss`(version: BrokerSettings.Version) async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let client = BrokerClient(
      settings(broker) { ($0.version, $0.will) = (version, Message(Self.topic("g/availability"), "offline")) })
    client.start()
    client.put(Message(Self.topic("g/availability"), "online"))
    client.put(Message(Self.topic("g/a"), "1"))
    client.put(Message(Self.topic("g/b"), "2"))
    #expect(try await listener.wait { $0 == ["g/availability": "online", "g/a": "1", "g/b": "2"] })
    client.put(Message(Self.topic("g/b"), []))
    #expect(try await listener.wait { $0["g/b"] == nil })
    client.put(Message(Self.topic("g/availability"), "bye"))
    #expect(await client.end(within: .seconds(5)))
    #expect(try await listener.wait { $0["g/availability"] == "bye" })
    #expect(!listener.heard.contains { $0.payload == "offline" })
    await listener.end()
    await broker.leave()
  }

  @Test func `a broker that comes later, dies and comes again is what it was`() async throws {
    let broker = try await Broker(isStarted: false)
    let client = BrokerClient(settings(broker))
    let links = Links()
    client.start()
    client.put(Message(Self.topic("a"), "1"))
    #expect(
      try await wait {
        links.note(client.standing.link); return !links.troubles.isEmpty
      })
    #expect(try #require(links.troubles.first).message.contains("cannot be reached: Connection refused"))
    try await broker.start()
    #expect(try await wait { client.standing == .init(link: .connected) })
    await broker.end(by: SIGKILL)
    #expect(
      try await wait {
        links.note(client.standing.link); return links.troubles.count > 1
      })
    client.put(Message(Self.topic("b"), "2"))
    // Nothing is left of what it kept.
    unlink("\(broker.directory)/mosquitto.db")
    try await broker.start()
    #expect(try await wait { client.standing == .init(link: .connected) })
    let listener = try await Listener(broker)
    #expect(try await listener.wait { $0 == ["a": "1", "b": "2"] })
    await client.end(within: .seconds(1))
    await listener.end()
    await broker.leave()
  }

  @Test func `one that stops answering holds nobody up, and nothing grows`() async throws {
    let broker = try await Broker()
    let client = BrokerClient(settings(broker) { $0.keepAlive = .seconds(5) })
    client.start()
    client.put(Message(Self.topic("a"), "0"))
    #expect(try await wait { client.standing == .init(link: .connected) })
    await broker.signal(SIGSTOP)
    let payload = [UInt8](repeating: 0x61, count: 10_000)
    let before = Processes.residentKiB()
    let start = ContinuousClock.now
    for round in 0..<20_000 { client.put(Message(Self.topic("t\(round % 50)"), payload)) }
    client.put(Message(Self.topic("t0"), "last"))
    // 200 MB were put; held are fifty messages, and what was on its way.
    #expect(start.duration(to: .now) < .seconds(5))
    #expect(Processes.residentKiB() - before < 20_000)
    #expect(try await wait(within: .seconds(120)) { if case .away = client.standing.link { true } else { false } })
    await broker.signal(SIGCONT)
    let listener = try await Listener(broker)
    #expect(try await listener.wait(within: .seconds(120)) { $0["t0"] == "last" && $0.count == 51 })
    await client.end(within: .seconds(1))
    await listener.end()
    await broker.leave()
  }

  @Test(arguments: BrokerSettings.Version.allCases)
  func `a login that is refused is said, and nothing of the password`(version: BrokerSettings.Version) async throws {
    let broker = try await Broker("allow_anonymous false")
    let trouble = try await trouble(
      settings(broker) { ($0.version, $0.username, $0.password) = (version, "blupow", Secret("sesame-17")) })
    #expect(trouble.message.contains("refuses the login of blupow") && trouble.advice.contains("password_file"))
    #expect(!"\(trouble)".contains("sesame") && !"\(settings(broker) { $0.password = Secret("sesame-17") })".contains("sesame"))
    await broker.leave()
  }

  @Test func `what the broker's list forbids is known by its topic, and the rest is there`() async throws {
    let broker = try await Broker(
      "allow_anonymous true\nacl_file DIR/acl", files: ["acl": "topic readwrite ok/#\ntopic read #\n"])
    let listener = try await Listener(broker)
    let client = BrokerClient(settings(broker))
    client.start()
    client.put(Message(Self.topic("secret/x"), "1"))
    client.put(Message(Self.topic("ok/x"), "1"))
    #expect(try await listener.wait { $0 == ["ok/x": "1"] })
    #expect(try await wait { client.standing.refused == [Self.topic("secret/x"): "not authorized"] })
    await client.end(within: .seconds(1))
    await listener.end()
    await broker.leave()
  }

  @Test func `what is too large for the broker is known by its topic, and the rest is there`() async throws {
    let broker = try await Broker("allow_anonymous true\nmessage_size_limit 500")
    let listener = try await Listener(broker)
    let client = BrokerClient(settings(broker))
    client.start()
    client.put(Message(Self.topic("large"), [UInt8](repeating: 0x61, count: 2000)))
    client.put(Message(Self.topic("small"), "1"))
    #expect(try await listener.wait { $0 == ["small": "1"] })
    #expect(try await wait { client.standing.refused[Self.topic("large")] != nil })
    await client.end(within: .seconds(1))
    await listener.end()
    await broker.leave()
  }

  @Test func `two of one name are told, not left to throw each other out in silence`() async throws {
    let broker = try await Broker()
    let clients = [BrokerClient(settings(broker)), BrokerClient(settings(broker))]
    clients[0].start()
    #expect(try await wait { clients[0].standing.link == .connected })
    clients[1].start()
    let links = Links()
    #expect(
      try await wait {
        links.note(clients[0].standing.link); return !links.troubles.isEmpty
      })
    #expect(try #require(links.troubles.first).advice.contains("give each a `gateway:` of its own"))
    for client in clients { await client.end(within: .seconds(1)) }
    await broker.leave()
  }

  @Test func `what is heard at a topic comes, and again after a loss`() async throws {
    let broker = try await Broker()
    let heard = Mutex<[String]>([])
    let client = BrokerClient(settings(broker), listeningTo: ["home/status"]) { message in
      heard.withLock { $0.append("\(message.topic) \(String(decoding: message.payload, as: UTF8.self)) \(message.isRetained)") }
    }
    client.start()
    #expect(try await wait { client.standing.link == .connected })
    try await broker.publish("home/status", "online", retained: true)
    try await broker.publish("home/other", "online")
    #expect(try await wait { heard.withLock { $0 } == ["home/status online false"] })
    await broker.end(by: SIGTERM)
    try await broker.start()
    #expect(try await wait { heard.withLock { $0 } == ["home/status online false", "home/status online true"] })
    await client.end(within: .seconds(1))
    await broker.leave()
  }

  @Test func `to begin anew is to say everything again`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let client = BrokerClient(settings(broker))
    client.start()
    client.put(Message(Self.topic("a"), "1"))
    #expect(try await listener.wait { $0 == ["a": "1"] })
    client.startOver()
    #expect(try await wait { listener.heard.map(\.payload) == ["1", "1"] })
    await client.end(within: .seconds(1))
    await listener.end()
    await broker.leave()
  }

  @Test func `nobody there, a name that is none, and something else there are told apart`() async throws {
    let port = try Broker.freePort()
    let nobody = try await trouble(BrokerSettings(host: "127.0.0.1", port: port, clientID: "x"))
    #expect(nobody.message.contains("Connection refused") && nobody.advice.contains("systemctl status mosquitto"))
    let nameless = try await trouble(BrokerSettings(host: "no-such-host.invalid", port: 1883, clientID: "x"))
    #expect(nameless.message.contains("no-such-host.invalid, is not known"))
  }

  @Test func `an end is not waited for longer than was said, whoever does not answer`() async throws {
    let broker = try await Broker()
    await broker.signal(SIGSTOP)
    let client = BrokerClient(settings(broker))
    client.start()
    client.put(Message(Self.topic("a"), "1"))
    let start = ContinuousClock.now
    #expect(await client.end(within: .milliseconds(300)) == false)
    #expect(start.duration(to: .now) < .seconds(2))
    await broker.leave()
  }

  @Test(arguments: BrokerSettings.Version.allCases)
  func `where the farewell cannot be said in time the broker says the will`(version: BrokerSettings.Version) async throws {
    let broker = try await Broker()
    let client = BrokerClient(
      settings(broker) { ($0.version, $0.will) = (version, Message(Self.topic("availability"), "offline")) })
    client.start()
    client.put(Message(Self.topic("availability"), "online"))
    #expect(try await wait { client.standing == .init(link: .connected) })
    await broker.signal(SIGSTOP)
    #expect(await client.end(saying: Message(Self.topic("availability"), "bye"), within: .milliseconds(200)) == false)
    await broker.signal(SIGCONT)
    let listener = try await Listener(broker)
    // What was on its way arrives, and then the end of a connection without a farewell.
    #expect(try await listener.wait { $0["availability"] == "offline" })
    await listener.end()
    await broker.leave()
  }

  @Test func `the last word comes before all that still waits`() async throws {
    let broker = try await Broker()
    let listener = try await Listener(broker)
    let client = BrokerClient(settings(broker))
    client.start()
    client.put(Message(Self.topic("a"), "1"))
    #expect(try await wait { client.standing == .init(link: .connected) })
    for number in 0..<5000 { client.put(Message(Self.topic("t\(number)"), [UInt8](repeating: 0x61, count: 1000))) }
    #expect(await client.end(saying: Message(Self.topic("a"), "bye"), within: .seconds(5)))
    #expect(try await listener.wait { $0["a"] == "bye" })
    #expect(listener.retained.count < 5000)
    await listener.end()
    await broker.leave()
  }

  // MARK: TLS

  /// A broker with a certificate for localhost by an authority of its own, and another authority; files in its directory.
  private func encrypted(_ more: String = "") async throws -> Broker {
    let broker = try await Broker(
      "allow_anonymous true\ncafile DIR/ca.pem\ncertfile DIR/server.pem\nkeyfile DIR/server.key\n\(more)", isStarted: false)
    for name in ["ca", "other"] {
      try await openssl(
        broker, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=\(name) -keyout DIR/\(name).key -out DIR/\(name).pem")
    }
    for name in ["server", "client"] {
      try await openssl(broker, "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout DIR/\(name).key -out DIR/\(name).csr")
      try await openssl(
        broker, "x509 -req -in DIR/\(name).csr -CA DIR/ca.pem -CAkey DIR/ca.key -CAcreateserial -days 2 -out DIR/\(name).pem")
    }
    try await broker.start()
    return broker
  }

  private func openssl(_ broker: Broker, _ arguments: String) async throws {
    let words = arguments.replacing("DIR", with: broker.directory).split(separator: " ").map(String.init)
    let run = try await Broker.run("/usr/bin/openssl", words)
    try #require(run == 0, "openssl \(arguments)")
  }

  @Test func `an encrypted connection is one to the broker that is meant, or none`() async throws {
    let broker = try await encrypted()
    func tls(_ authority: String?, host: String = "localhost") -> BrokerSettings {
      settings(broker) { settings in
        settings.host = host
        settings.tls = .init(authorities: authority.map { "\(broker.directory)/\($0).pem" })
      }
    }
    let client = BrokerClient(tls("ca"))
    client.start()
    client.put(Message(Self.topic("a"), "1"))
    #expect(try await wait { client.standing == .init(link: .connected) })
    #expect(await client.end(within: .seconds(2)))
    for refused in [tls("other"), tls(nil), tls("ca", host: "127.0.0.1")] {
      #expect(try await trouble(refused).message.contains("No trusted encrypted connection"))
    }
    // Without TLS where there is some: not silently, and not for ever.
    let plain = try await trouble(settings(broker) { $0.host = "localhost" })
    #expect(plain.message.contains("closed the connection") || plain.message.contains("does not answer as an MQTT broker"))
    await broker.leave()
  }

  @Test func `a broker that wants to know its clients gets a certificate`() async throws {
    let broker = try await encrypted("require_certificate true")
    func tls(_ certificate: String?) -> BrokerSettings {
      settings(broker) { settings in
        settings.host = "localhost"
        settings.tls = .init(
          authorities: "\(broker.directory)/ca.pem", certificate: certificate.map { "\(broker.directory)/\($0).pem" },
          key: certificate.map { "\(broker.directory)/\($0).key" })
      }
    }
    let client = BrokerClient(tls("client"))
    client.start()
    #expect(try await wait { client.standing == .init(link: .connected) })
    await client.end(within: .seconds(1))
    _ = try await trouble(tls(nil))
    await broker.leave()
  }
}
