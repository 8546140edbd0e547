import DBus
import Readings
import Rig
import Testing

@testable import Simulator

/// The program itself on a real dbus-daemon, asked by a client made of our own D-Bus connection.
@Suite(.serialized, .timeLimit(.minutes(5))) struct OnTheBusTests {
  private static let known = #""known":true"#

  @Test func `a poll's way through: scan, connect, subscribe, ask, disconnect`() async throws {
    let scene = try await Scene.one()
    let client = try Client(scene.environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? "")
    #expect(try client.ask("StartDiscovery", Interface.adapter, on: Stage.adapter).kind == .methodReturn)
    try client.wait { $0.isSignal(Interface.objectManager, "InterfacesAdded") && $0.body.first?.asString == Stage.device }
    _ = try client.ask("StopDiscovery", Interface.adapter, on: Stage.adapter)
    _ = try client.ask("Connect", Interface.device, on: Stage.device)
    try client.waitResolved()
    _ = try client.ask("StartNotify", Interface.characteristic, on: Stage.notify)
    let request: [Value] = [.bytes(Hex.bytes("20030fa0000ac04a") ?? []), .properties(["type": .string("command")])]
    #expect(try client.ask("WriteValue", Interface.characteristic, on: Stage.write, request).kind == .methodReturn)
    #expect(try client.notification() == "200314046f06a4046b001e177102000227000000")
    #expect(try client.notification() == "001771352f")
    #expect(try client.ask("Disconnect", Interface.device, on: Stage.device).kind == .methodReturn)
    #expect(try await scene.state().contains(#""links":[]"#))
    await scene.end()
  }

  @Test func `a shunt is subscribed to and pushes`() async throws {
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"\(Scene.address)","name":"RTMShunt300123456","known":true,"mtu":64,"devices":[{"registers":"RTMShunt300"}],
        "delays":{"connect_ms":0,"services_ms":0,"push_ms":5,"disconnect_ms":20}}]}
      """)
    let client = try Client(scene.environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? "")
    _ = try client.ask("Connect", Interface.device, on: Stage.device)
    try client.waitResolved()
    let notify = "\(Stage.device)/service0010/char0011"
    #expect(try client.ask("StartNotify", Interface.characteristic, on: notify).kind == .methodReturn)
    var frames: [String] = []
    for _ in 1...5 { frames.append(try client.notification(of: notify) + client.notification(of: notify)) }
    #expect(frames.allSatisfy { $0.count == 220 })
    #expect(frames.map { $0.prefix(8) } == ["42570119", "42570119", "42570119", "42570119", "4257010b"])
    await scene.end()
  }

  @Test func `GetManagedObjects carries every object with its interfaces`() async throws {
    let scene = try await Scene.one(Self.known)
    let client = try Client(scene.environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? "")
    let objects = try client.ask("GetManagedObjects", Interface.objectManager, on: "/").body.first?.asDictionary
    #expect(objects?.keys.sorted() == ["/org/bluez", Stage.adapter, Stage.device])
    #expect(objects?[Stage.device]?.asDictionary?[Interface.device]?.asDictionary?["Address"] == .string(Scene.address))
    await scene.end()
  }

  @Test func `a client that leaves the bus releases its discovery and its notifications, and not its link`() async throws {
    let scene = try await Scene.one(Self.known)
    var client: Client? = try Client(scene.environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? "")
    _ = try client?.ask("StartDiscovery", Interface.adapter, on: Stage.adapter)
    _ = try client?.ask("Connect", Interface.device, on: Stage.device)
    try client?.waitResolved()
    _ = try client?.ask("StartNotify", Interface.characteristic, on: Stage.notify)
    let before = try await scene.state()
    #expect(!before.contains(#""discovering":[]"#) && !before.contains(#""notifying":[]"#))
    client = nil
    _ = try await scene.journal.wait { $0.contains(#""saw":"client_gone""#) }
    let after = try await scene.state()
    #expect(after.contains(#""discovering":[]"#) && after.contains(#""notifying":[]"#))
    #expect(after.contains(#""links":["D8:B6:73:BF:4F:75"]"#))
    await scene.end()
  }

  @Test func `errors travel with their names and words`() async throws {
    let scene = try await Scene.one()
    let client = try Client(scene.environment["DBUS_SYSTEM_BUS_ADDRESS"] ?? "")
    let unknown = try client.ask("Connect", Interface.device, on: Stage.device)
    #expect(unknown.errorName == "org.freedesktop.DBus.Error.UnknownObject")
    let stop = try client.ask("StopDiscovery", Interface.adapter, on: Stage.adapter)
    #expect(stop.errorName == "org.bluez.Error.Failed" && stop.errorText == "No discovery started")
    await scene.end()
  }

  @Test func `wrong command lines end in a journal line, and the simulation goes on`() async throws {
    let scene = try await Scene.one()
    #expect(try await scene.tell("{").contains("not a JSON line"))
    #expect(try await scene.tell(#"{"do":"dance"}"#).contains("'dance' is not a known command"))
    #expect(try await scene.tell(#"{"do":"advertise","address":"D8:B6:73:BF:4F:75","on":false}"#).contains(#""saw":"did""#))
    await scene.end()
  }
}

/// A synchronous client of the bus, each of whose waits ends.
private final class Client {
  private let bus: Connection
  private var heard: [Message] = []

  init(_ address: String) throws {
    bus = try Connection(address: address)
    _ = try answer(to: bus.send(Connection.hello))
    let rule = "type='signal',sender='org.bluez'"
    let match = Message.call(
      to: "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", [.string(rule)])
    _ = try answer(to: bus.send(match))
  }

  func ask(_ member: String, _ interface: String, on path: String, _ body: [Value] = []) throws -> Message {
    try answer(to: bus.send(.call(to: "org.bluez", path, interface, member, body)))
  }

  private func answer(to serial: UInt32) throws -> Message { try wait { $0.replySerial == serial } }

  func waitResolved() throws {
    try wait { $0.path == Stage.device && Self.changed($0)["ServicesResolved"] == .bool(true) }
  }

  func notification(of notify: String = Stage.notify) throws -> String {
    let message = try wait { $0.path == notify && Self.changed($0)["Value"] != nil }
    return Hex.text(Self.changed(message)["Value"]?.asBytes ?? [])
  }

  private static func changed(_ message: Message) -> [String: Value] {
    guard message.isSignal(Interface.properties, "PropertiesChanged") else { return [:] }
    return message.body.count == 3 ? message.body[1].asDictionary ?? [:] : [:]
  }

  /// The next message that matches, of those already heard too; it is taken out.
  @discardableResult
  func wait(_ matches: (Message) -> Bool) throws -> Message {
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      if let index = heard.firstIndex(where: matches) { return heard.remove(at: index) }
      guard case .message(let message) = try bus.next(until: deadline) else { throw Silence() }
      heard.append(message)
    }
  }

  private struct Silence: Error {}
}
