import BlueZ
import DBus
import Readings
import Rig
import Testing

/// What was observed of bluetoothd, row by row (the table is in Tests/RealBlueZ/README.md): asked of the simulator on every run,
/// and of the real one in its virtual machine.
@Suite(.timeLimit(.minutes(10))) struct ObservedTests {
  private static let ok = "ok"

  private static func words(_ message: Message) -> String {
    message.kind == .error ? "\(message.errorName ?? ""): \(message.errorText)" : ok
  }

  /// Delays as real ones are, not as short as they can be.
  private static func scene(_ module: String = #""known":true"#) async throws -> Scene {
    try await Scene.contract(
      module,
      delays: #"{"advertise_ms":50,"connect_ms":50,"services_ms":100,"reply_ms":5,"fragment_ms":0,"disconnect_ms":2100}"#)
  }

  private static func advertise(_ scene: Scene, _ on: Bool) async throws {
    let answer = try await scene.tell(#"{"do":"advertise","address":"\#(scene.address)","on":\#(on)}"#)
    try #require(answer.contains(#""saw":"did""#))
  }

  private static func isConnected(_ tree: ObjectTree, _ scene: Scene) -> Bool {
    tree.property(BusClient.devicePath(scene.address), ObjectTree.device, "Connected")?.asBool == true
  }

  private static let command: Value = .properties(["type": .string("command")])
  /// Reads 4000/10 of unit 32.
  private static let frame: Value = .bytes([0x20, 0x03, 0x0f, 0xa0, 0x00, 0x0a, 0xc0, 0x4a])

  @Test func `what is not known cannot be connected to, disconnected from or removed`() async throws {
    let scene = try await Self.scene("")
    let client = try await scene.client()
    let nobody = BusClient.devicePath("D8:00:00:00:00:01")
    for method in ["Connect", "Disconnect"] {
      let answer = try await client.ask(method, ObjectTree.device, on: nobody)
      #expect(
        Self.words(answer)
          == "org.freedesktop.DBus.Error.UnknownObject: "
          + "Method \"\(method)\" with signature \"\" on interface \"org.bluez.Device1\" doesn't exist\n")
    }
    let removed = try await client.ask("RemoveDevice", ObjectTree.adapter, on: BusClient.adapter, [.objectPath(nobody)])
    #expect(Self.words(removed) == "org.bluez.Error.DoesNotExist: Does Not Exist")
    await scene.end()
  }

  @Test func `discovery belongs to its client`() async throws {
    let scene = try await Self.scene("")
    let (client, other) = (try await scene.client(), try await scene.client())
    func ask(_ client: BusClient, _ method: String) async throws -> String {
      try await Self.words(client.ask(method, ObjectTree.adapter, on: BusClient.adapter))
    }
    #expect(try await ask(client, "StopDiscovery") == "org.bluez.Error.Failed: No discovery started")
    #expect(try await ask(client, "StartDiscovery") == Self.ok)
    #expect(try await ask(client, "StartDiscovery") == "org.bluez.Error.InProgress: Operation already in progress")
    #expect(try await ask(other, "StartDiscovery") == Self.ok)
    #expect(try await ask(client, "StopDiscovery") == Self.ok)
    #expect(try await client.property("Discovering", of: BusClient.adapter, ObjectTree.adapter)?.asBool == true)
    #expect(try await ask(other, "StopDiscovery") == Self.ok)
    #expect(try await scene.quiet() != nil)
    do {
      let dying = try await scene.client()
      #expect(try await ask(dying, "StartDiscovery") == Self.ok)
    }
    #expect(try await scene.quiet() != nil, "it ends with its client")
    await scene.end()
  }

  @Test func `Connect, twice; Disconnect, idle and connected`() async throws {
    let scene = try await Self.scene()
    let (client, other) = (try await scene.client(), try await scene.client())
    let path = BusClient.devicePath(scene.address)
    func ask(_ client: BusClient, _ method: String) async throws -> (String, Duration) {
      let start = ContinuousClock.now
      let answer = try await client.ask(method, ObjectTree.device, on: path)
      return (Self.words(answer), start.duration(to: .now))
    }
    let idle = try await ask(client, "Disconnect")
    #expect(idle.0 == Self.ok && idle.1 < .seconds(1))
    #expect(try await ask(client, "Connect").0 == Self.ok)
    #expect(try await client.until { Self.isConnected($0, scene) } != nil)
    for again in [client, other] {
      let second = try await ask(again, "Connect")
      #expect(second.0 == Self.ok && second.1 < .seconds(1))
    }
    let end = try await ask(client, "Disconnect")
    #expect(end.0 == Self.ok)
    #expect(end.1 > .seconds(1.5) && end.1 < .seconds(4), "Disconnect took \(end.1)")
    #expect(try await client.until(within: .seconds(1)) { !Self.isConnected($0, scene) } != nil)
    await scene.end()
  }

  @Test func `Connect while the link is closing is ok, and the link falls all the same`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    _ = try await client.connect(scene.address)
    let path = BusClient.devicePath(scene.address)
    let end = try await client.send("Disconnect", ObjectTree.device, on: path)
    #expect(try await Self.words(client.ask("Connect", ObjectTree.device, on: path)) == Self.ok)
    #expect(try await Self.words(client.answer(to: end, within: .seconds(5))) == Self.ok)
    #expect(try await client.until(within: .seconds(1)) { !Self.isConnected($0, scene) } != nil)
    await scene.end()
  }

  @Test func `a Disconnect whose caller is gone at once frees the module all the same`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    _ = try await client.connect(scene.address)
    do {
      let gone = try await scene.client()
      _ = try await gone.send("Disconnect", ObjectTree.device, on: BusClient.devicePath(scene.address))
    }
    #expect(try await client.until(within: .seconds(4)) { !Self.isConnected($0, scene) } != nil)
    await scene.end()
  }

  @Test func `a client's death drops neither the link nor a pending Connect, and ends its notifications`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    do {
      let dying = try await scene.client()
      let line = try await dying.connect(scene.address)
      #expect(try await Self.words(dying.ask("StartNotify", ObjectTree.characteristic, on: line.notify)) == Self.ok)
      #expect(try await client.property("Notifying", of: line.notify, ObjectTree.characteristic)?.asBool == true)
    }
    let line = try await client.serialLine(of: scene.address)
    let silent = try await client.until {
      $0.property(line.notify, ObjectTree.characteristic, "Notifying")?.asBool == false
    }
    #expect(silent != nil)
    try await Task.sleep(for: .seconds(3))
    #expect(Self.isConnected(try await client.tree(), scene))
    let path = BusClient.devicePath(scene.address)
    #expect(try await Self.words(client.ask("Disconnect", ObjectTree.device, on: path)) == Self.ok)
    #expect(try await scene.quiet() != nil)

    try await Self.advertise(scene, false)
    do {
      let dying = try await scene.client()
      _ = try await dying.send("Connect", ObjectTree.device, on: path)
      // bluetoothd has the call once another's is refused because of it.
      let refused = try await client.ask("Connect", ObjectTree.device, on: path)
      #expect(Self.words(refused) == "org.bluez.Error.Failed: Operation already in progress")
    }
    try await Self.advertise(scene, true)
    #expect(try await client.until(within: .seconds(10)) { Self.isConnected($0, scene) } != nil)
    _ = try await client.ask("Disconnect", ObjectTree.device, on: path)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `Connect to a known module that fell silent is never answered, and Disconnect by anyone cancels it`() async throws {
    let scene = try await Self.scene()
    let (client, other) = (try await scene.client(), try await scene.client())
    let path = BusClient.devicePath(scene.address)
    try await Self.advertise(scene, false)
    let pending = try await client.send("Connect", ObjectTree.device, on: path)
    #expect(
      try await Self.words(other.ask("Connect", ObjectTree.device, on: path))
        == "org.bluez.Error.Failed: Operation already in progress")
    // Past the kernel's 20 s for a connection: they do not run while it waits for an advertisement.
    await #expect(throws: BusClient.Silence.self) { try await client.answer(to: pending, within: .seconds(22)) }
    #expect(try await Self.words(other.ask("Disconnect", ObjectTree.device, on: path)) == Self.ok)
    #expect(
      try await Self.words(client.answer(to: pending, within: .seconds(2))) == "org.bluez.Error.Failed: br-connection-canceled")
    try await Self.advertise(scene, true)
    #expect(try await client.until(within: .seconds(3)) { Self.isConnected($0, scene) } == nil, "a cancelled attempt lives on")
    await scene.end()
  }

  @Test func `Connect that waits is answered when the module is heard again`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    let path = BusClient.devicePath(scene.address)
    try await Self.advertise(scene, false)
    let pending = try await client.send("Connect", ObjectTree.device, on: path)
    await #expect(throws: BusClient.Silence.self) { try await client.answer(to: pending, within: .seconds(2)) }
    try await Self.advertise(scene, true)
    #expect(try await Self.words(client.answer(to: pending, within: .seconds(10))) == Self.ok)
    _ = try await client.ask("Disconnect", ObjectTree.device, on: path)
    await scene.end()
  }

  @Test func `RemoveDevice leaves a pending Connect without an answer`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    let path = BusClient.devicePath(scene.address)
    try await Self.advertise(scene, false)
    let pending = try await client.send("Connect", ObjectTree.device, on: path)
    let removed = try await client.ask("RemoveDevice", ObjectTree.adapter, on: BusClient.adapter, [.objectPath(path)])
    #expect(Self.words(removed) == Self.ok)
    await #expect(throws: BusClient.Silence.self) { try await client.answer(to: pending, within: .seconds(4)) }
    #expect(try await client.tree().objects[path] == nil)
    await scene.end()
  }

  @Test func `notifications: without a link, twice, by two, after the link`() async throws {
    let scene = try await Self.scene()
    let (client, other) = (try await scene.client(), try await scene.client())
    let path = BusClient.devicePath(scene.address)
    let line = try await client.connect(scene.address)
    func ask(_ client: BusClient, _ method: String, _ path: String) async throws -> String {
      try await Self.words(client.ask(method, ObjectTree.characteristic, on: path))
    }
    func notifying() async throws -> Bool? {
      try await client.property("Notifying", of: line.notify, ObjectTree.characteristic)?.asBool
    }
    #expect(try await ask(client, "StartNotify", line.write) == "org.bluez.Error.NotSupported: Operation is not supported")
    #expect(try await ask(client, "StartNotify", line.notify) == Self.ok)
    #expect(try await ask(client, "StartNotify", line.notify) == Self.ok)
    #expect(try await ask(other, "StartNotify", line.notify) == Self.ok)
    #expect(try await ask(other, "StopNotify", line.notify) == Self.ok)
    #expect(try await notifying() == true)
    _ = try await client.ask("Disconnect", ObjectTree.device, on: path)
    #expect(try await client.until { !Self.isConnected($0, scene) } != nil)
    // The objects stay, and the session of a client that lives.
    #expect(try await notifying() == true)
    #expect(try await ask(other, "StartNotify", line.notify) == Self.ok)
    let written = try await client.ask("WriteValue", ObjectTree.characteristic, on: line.write, [Self.frame, Self.command])
    #expect(Self.words(written) == "org.bluez.Error.Failed: Not connected")
    // It is taken up again with the next link.
    _ = try await client.connect(scene.address)
    #expect(try await !scene.state().contains(#""notifying":[]"#))
    _ = try await client.ask("Disconnect", ObjectTree.device, on: path)
    await scene.end()
  }

  @Test func `a write without response reaches the module, whole or not at all`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    let line = try await client.connect(scene.address)
    _ = try await client.ask("StartNotify", ObjectTree.characteristic, on: line.notify)
    let long: Value = .bytes([UInt8](repeating: 0, count: 40))
    let refused = try await client.ask("WriteValue", ObjectTree.characteristic, on: line.write, [long, Self.command])
    #expect(Self.words(refused) == "org.bluez.Error.Failed: Failed to initiate write")
    let written = try await client.ask("WriteValue", ObjectTree.characteristic, on: line.write, [Self.frame, Self.command])
    #expect(Self.words(written) == Self.ok)
    var pieces: [[UInt8]] = []
    while pieces.reduce(0, { $0 + $1.count }) < 25 {
      let message = try await client.wait {
        $0.path == line.notify && $0.isSignal(ObjectTree.properties, "PropertiesChanged") && $0.body.count == 3
          && $0.body[1].asDictionary?["Value"] != nil
      }
      pieces.append(message.body[1].asDictionary?["Value"]?.asBytes ?? [])
    }
    #expect(pieces.map(\.count) == [20, 5])
    _ = try await client.ask("Disconnect", ObjectTree.device, on: BusClient.devicePath(scene.address))
    await scene.end()
  }

  @Test func `a link that the module drops is seen at once, and the next one is good`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    _ = try await client.connect(scene.address)
    _ = try await scene.tell(#"{"do":"drop","address":"\#(scene.address)"}"#)
    #expect(try await client.until(within: .seconds(2)) { !Self.isConnected($0, scene) } != nil)
    _ = try await client.connect(scene.address)
    _ = try await client.ask("Disconnect", ObjectTree.device, on: BusClient.devicePath(scene.address))
    await scene.end()
  }

  @Test func `the generic services are listed with the module's own`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    _ = try await client.connect(scene.address)
    let tree = try await client.tree()
    let under = BusClient.devicePath(scene.address) + "/"
    let uuids = tree.paths(with: ObjectTree.characteristic, under: under).compactMap {
      tree.property($0, ObjectTree.characteristic, "UUID")?.asString
    }
    for short in ["2a05", "2b29", "2b2a", "ffd1", "fff1"] { #expect(uuids.contains(BusClient.full(short))) }
    #expect(uuids.contains("f000ffd1-0451-4000-b000-000000000000"))
    // The generic access service is bluetoothd's own affair.
    #expect(!uuids.contains(BusClient.full("2a00")))
    _ = try await client.ask("Disconnect", ObjectTree.device, on: BusClient.devicePath(scene.address))
    await scene.end()
  }

  @Test func `an adapter without power`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    let path = BusClient.devicePath(scene.address)
    func power(_ on: Bool) async throws -> String {
      try await Self.words(
        client.ask(
          "Set", ObjectTree.properties, on: BusClient.adapter,
          [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(on))]))
    }
    if Worlds.isReal {
      // Not connected to yet: it is gone with the power. (The simulator's `known` is as if connected to before.)
      #expect(try await power(false) == Self.ok)
      #expect(try await client.tree().objects[path] == nil)
      #expect(try await power(true) == Self.ok)
      try await client.scan(for: scene.address)
    }
    _ = try await client.connect(scene.address)
    #expect(try await power(false) == Self.ok)
    #expect(try await client.until(within: .seconds(3)) { !Self.isConnected($0, scene) } != nil)
    // A module that was connected to stays listed.
    #expect(try await client.tree().objects[path] != nil)
    for (method, interface, object, words) in [
      ("StartDiscovery", ObjectTree.adapter, BusClient.adapter, "org.bluez.Error.NotReady: Resource Not Ready"),
      ("Connect", ObjectTree.device, path, "org.bluez.Error.Failed: Input/output error"),
    ] {
      #expect(try await Self.words(client.ask(method, interface, on: object)) == words, "\(method)")
    }
    let removed = try await client.ask("RemoveDevice", ObjectTree.adapter, on: BusClient.adapter, [.objectPath(path)])
    #expect(Self.words(removed) == "org.bluez.Error.NotReady: Resource Not Ready")
    #expect(try await power(true) == Self.ok)
    // A pending Connect is answered ok when the power goes, and nothing is connected.
    try await Self.advertise(scene, false)
    let pending = try await client.send("Connect", ObjectTree.device, on: path)
    _ = try await client.ask("Connect", ObjectTree.device, on: path)
    #expect(try await power(false) == Self.ok)
    #expect(try await Self.words(client.answer(to: pending, within: .seconds(3))) == Self.ok)
    #expect(!Self.isConnected(try await client.tree(), scene))
    #expect(try await power(true) == Self.ok)
    await scene.end()
  }

  @Test func `a module that left the air is forgotten after half a minute, connected to or not`() async throws {
    let scene = try await Self.scene()
    let client = try await scene.client()
    let path = BusClient.devicePath(scene.address)
    for connects in [false, true] {
      if connects {
        _ = try await client.connect(scene.address)
        _ = try await client.ask("Disconnect", ObjectTree.device, on: path)
      }
      try await Self.advertise(scene, false)
      let gone = try await client.until(within: .seconds(60)) { $0.objects[path] == nil }
      #expect(try #require(gone) > .seconds(20) && gone! < .seconds(40), "after \(String(describing: gone))")
      try await Self.advertise(scene, true)
      if !connects { try await client.scan(for: scene.address) }
    }
    await scene.end()
  }
}
