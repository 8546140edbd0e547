import DBus
import Testing

@testable import Simulator

@Suite struct DiscoveryTests {
  private func start(_ stage: inout Stage, by client: String = Stage.client) -> Stage.Answer? {
    stage.ask("StartDiscovery", Interface.adapter, on: Stage.adapter, by: client)
  }

  private func stop(_ stage: inout Stage, by client: String = Stage.client) -> Stage.Answer? {
    stage.ask("StopDiscovery", Interface.adapter, on: Stage.adapter, by: client)
  }

  @Test func `a device is listed when it is heard, and it is heard only during discovery`() throws {
    var stage = try Stage()
    stage.pass(.seconds(10))
    #expect(!stage.isListed)
    #expect(start(&stage) == .ok([]))
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(true))
    stage.pass(.milliseconds(99))
    #expect(!stage.isListed)
    stage.pass(.milliseconds(1))
    #expect(stage.isListed)
    #expect(stage.sent.contains { $0.isSignal(Interface.objectManager, "InterfacesAdded") })
    #expect(stage.property("Name") == .string("BTRIC134000035   "))
  }

  @Test func `every advertisement says the RSSI, and it goes with the discovery`() throws {
    var stage = try Stage(#""rssi":-71"#)
    _ = start(&stage)
    stage.pass(.milliseconds(300))
    #expect(stage.changes(of: Stage.device).filter { $0["RSSI"] == .int16(-71) }.count == 2)
    #expect(stop(&stage) == .ok([]))
    #expect(stage.property("RSSI") == nil)
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(false))
  }

  @Test func `a client has one session; another client has its own`() throws {
    var stage = try Stage()
    #expect(start(&stage) == .ok([]))
    #expect(start(&stage) == .error(Refusal("org.bluez.Error.InProgress", "Operation already in progress")))
    #expect(start(&stage, by: ":1.8") == .ok([]))
    #expect(stop(&stage) == .ok([]))
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(true))
  }

  @Test func `a client's death ends its session`() throws {
    var stage = try Stage()
    _ = start(&stage)
    stage.handle(.clientGone(Stage.client))
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(false))
    #expect(stage.noted("client_gone").count == 1)
  }

  @Test func `StopDiscovery without a session is an error`() throws {
    var stage = try Stage()
    #expect(stop(&stage) == .error(.failed("No discovery started")))
  }

  @Test func `without power StartDiscovery is not ready and no device is listed`() throws {
    var stage = try Stage()
    _ = start(&stage)
    stage.pass(.milliseconds(200))
    let off: [Value] = [.string(Interface.adapter), .string("Powered"), .variant(.bool(false))]
    #expect(stage.ask("Set", Interface.properties, on: Stage.adapter, off) == .ok([]))
    #expect(!stage.isListed)
    #expect(start(&stage) == .error(Refusal("org.bluez.Error.NotReady", "Resource Not Ready")))
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(false))
  }

  @Test func `a device that was only heard disappears 30 s after it was heard last`() throws {
    var stage = try Stage()
    _ = start(&stage)
    stage.pass(.milliseconds(100))
    _ = stop(&stage)
    stage.pass(.milliseconds(29_999))
    #expect(stage.isListed)
    stage.pass(.milliseconds(1))
    #expect(!stage.isListed)
    #expect(stage.sent.contains { $0.isSignal(Interface.objectManager, "InterfacesRemoved") })
  }

  @Test func `a device that was connected to stays while it advertises, and disappears some time after`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    stage.disconnect()
    stage.pass(.seconds(600))
    #expect(stage.isListed)
    try stage.tell(#"{"do":"advertise","address":"D8:B6:73:BF:4F:75","on":false}"#)
    stage.pass(.seconds(60))
    #expect(!stage.isListed)
  }

  @Test func `what was slept through is not caught up with`() throws {
    var stage = try Stage()
    _ = start(&stage)
    stage.pass(.milliseconds(100))
    stage.forgetWhatWasSent()
    stage.sleep(.seconds(3600))
    #expect(stage.changes(of: Stage.device).count <= 2)
  }

  @Test func `listing a device again and again leaves one alarm for it`() throws {
    var stage = try Stage()
    for _ in 1...20 {
      _ = stage.ask("RemoveDevice", Interface.adapter, on: Stage.adapter, [.objectPath(Stage.device)])
      _ = start(&stage)
      stage.pass(.milliseconds(100))
      _ = stop(&stage)
    }
    stage.connect()
    stage.pass(.seconds(60))
    #expect(stage.isConnected)
    #expect(stage.world.agenda.count == 1)
  }

  @Test func `a linked module does not advertise`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    _ = start(&stage)
    stage.pass(.seconds(1))
    #expect(stage.property("RSSI") == nil)
  }

  @Test func `a discovery filter is taken, and one with an unknown key is not`() throws {
    var stage = try Stage()
    let filter: [Value] = [.properties(["Transport": .string("le"), "DuplicateData": .bool(false)])]
    #expect(stage.ask("SetDiscoveryFilter", Interface.adapter, on: Stage.adapter, filter) == .ok([]))
    let wrong: [Value] = [.properties(["Transprot": .string("le")])]
    #expect(stage.ask("SetDiscoveryFilter", Interface.adapter, on: Stage.adapter, wrong) == .error(.invalidArguments))
  }

  @Test func `an adapter that is taken away goes with its devices, and can come back`() throws {
    var stage = try Stage(#""known":true"#)
    try stage.tell(#"{"do":"remove_adapter","adapter":"hci0"}"#)
    #expect(stage.world.paths == ["/org/bluez"])
    try stage.tell(#"{"do":"add_adapter","adapter":"hci0"}"#)
    #expect(start(&stage) == .ok([]))
    stage.pass(.milliseconds(100))
    #expect(stage.isListed)
  }

  @Test func `discovers_nobody lasts until nobody discovers there any more`() throws {
    var stage = try Stage(#""faults":[{"fault":"discovers_nobody","times":1}]"#)
    #expect(start(&stage) == .ok([]))
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(true))
    // Another client's session is one of the same discovery.
    #expect(start(&stage, by: ":1.8") == .ok([]))
    stage.pass(.seconds(5))
    #expect(!stage.isListed)
    #expect(stop(&stage) == .ok([]))
    stage.pass(.seconds(5))
    #expect(!stage.isListed)
    #expect(stop(&stage, by: ":1.8") == .ok([]))
    #expect(start(&stage) == .ok([]))
    stage.pass(.milliseconds(100))
    #expect(stage.isListed)
  }

  @Test func `discovery_refused`() throws {
    var stage = try Stage(#""faults":[{"fault":"discovery_refused","times":1}]"#)
    #expect(start(&stage) == .error(Refusal("org.bluez.Error.InProgress", "Operation already in progress")))
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(false))
    #expect(start(&stage) == .ok([]))
  }
}
