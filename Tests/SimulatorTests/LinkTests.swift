import DBus
import Testing

@testable import Simulator

/// What was observed on a real bluetoothd 5.66 about Connect and Disconnect, row by row.
@Suite struct LinkTests {
  @Test func `Connect on a path that is not known is an error in libdbus's words`() throws {
    var stage = try Stage()
    let answer = stage.ask("Connect", Interface.device, on: Stage.device)
    #expect(
      answer
        == .error(
          Refusal(
            "org.freedesktop.DBus.Error.UnknownObject",
            "Method \"Connect\" with signature \"\" on interface \"org.bluez.Device1\" doesn't exist\n")))
  }

  @Test func `Disconnect when idle is ok at once`() throws {
    var stage = try Stage(#""known":true"#)
    #expect(stage.ask("Disconnect", Interface.device, on: Stage.device) == .ok([]))
  }

  @Test func `Connect says Connected, then answers, and the services come later`() throws {
    var stage = try Stage(#""known":true"#)
    let call = stage.connect()
    stage.pass(.milliseconds(299))
    #expect(stage.answer(call) == nil)
    stage.pass(.milliseconds(1))
    #expect(stage.answer(call) == .ok([]))
    let connected = stage.sent.firstIndex { $0.member == "PropertiesChanged" }
    let answered = stage.sent.firstIndex { $0.replySerial == call }
    #expect(try #require(connected) < #require(answered))
    #expect(stage.property("ServicesResolved") == .bool(false))
    stage.pass(.milliseconds(200))
    #expect(stage.property("ServicesResolved") == .bool(true))
    #expect(stage.property("UUID", of: Stage.write) == .string(GattTable.write))
  }

  @Test func `Connect when connected is ok at once`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.ask("Connect", Interface.device, on: Stage.device, by: ":1.8") == .ok([]))
  }

  @Test func `Disconnect when connected is answered after 2.1 s, and then Connected is false`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    stage.forgetWhatWasSent()
    let call = stage.disconnect()
    stage.pass(.milliseconds(2099))
    #expect(stage.answer(call) == nil)
    #expect(stage.isConnected)
    stage.pass(.milliseconds(1))
    #expect(stage.answer(call) == .ok([]))
    #expect(!stage.isConnected)
    let words = stage.sent.map { $0.kind == .methodReturn ? "answer" : $0.body[1].asDictionary?.keys.sorted().first ?? "" }
    #expect(words == ["ServicesResolved", "answer", "Connected"])
  }

  @Test func `a Disconnect whose caller is gone at once frees the module all the same`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    stage.disconnect()
    stage.handle(.clientGone(Stage.client))
    stage.pass(.milliseconds(2500))
    #expect(!stage.isConnected)
    #expect(stage.noted("link_closed").map { $0.fields["by"] } == [.string("disconnect")])
  }

  @Test func `the objects of the services stay when the link falls`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    stage.disconnect()
    stage.pass(.seconds(3))
    #expect(stage.property("ServicesResolved") == .bool(false))
    #expect(stage.property("UUID", of: Stage.notify) == .string(GattTable.notify))
  }

  @Test func `Connect to a known device that does not advertise never answers`() throws {
    var stage = try Stage(#""known":true,"advertising":false"#)
    let call = stage.connect()
    stage.pass(.seconds(600))
    #expect(stage.answer(call) == nil)
    #expect(stage.isListed)
    try stage.tell(#"{"do":"advertise","address":"D8:B6:73:BF:4F:75","on":true}"#)
    stage.pass(.milliseconds(300))
    #expect(stage.answer(call) == .ok([]))
  }

  @Test(arguments: [
    ("", Refusal("org.bluez.Error.Failed", "Operation already in progress")),
    (#""bluez":"5.82","#, Refusal("org.bluez.Error.InProgress", "Operation already in progress")),
  ])
  func `a second Connect meanwhile is refused at once`(top: String, refusal: Refusal) throws {
    var stage = try Stage(#""known":true,"advertising":false"#, top: top)
    stage.connect()
    #expect(stage.ask("Connect", Interface.device, on: Stage.device, by: ":1.8") == .error(refusal))
  }

  @Test func `Disconnect by anyone cancels a pending Connect, whose caller is told in br words`() throws {
    var stage = try Stage(#""known":true,"advertising":false"#)
    let call = stage.connect()
    #expect(stage.ask("Disconnect", Interface.device, on: Stage.device, by: ":1.8") == .ok([]))
    #expect(stage.answer(call) == .error(.failed("br-connection-canceled")))
    #expect(stage.world.modules[Stage.inverter]?.isLinked == false)
    // Nothing of the cancelled attempt is left to happen.
    try stage.tell(#"{"do":"advertise","address":"D8:B6:73:BF:4F:75","on":true}"#)
    stage.pass(.seconds(5))
    #expect(!stage.isConnected)
  }

  @Test func `a cancelled attempt does not bring the next one forward`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.milliseconds(200))
    stage.disconnect()
    stage.connect()
    stage.pass(.milliseconds(299))
    #expect(!stage.isConnected)
    stage.pass(.milliseconds(1))
    #expect(stage.isConnected)
  }

  @Test func `a client's death does not cancel its pending Connect`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.handle(.clientGone(Stage.client))
    stage.pass(.milliseconds(300))
    #expect(stage.isConnected)
  }

  @Test func `a client's death does not drop the link`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    stage.handle(.clientGone(Stage.client))
    stage.pass(.seconds(41))
    #expect(stage.isConnected)
    stage.disconnect(by: ":1.8")
    stage.pass(.milliseconds(2100))
    #expect(!stage.isConnected)
  }

  @Test func `a module takes one link: a second adapter's Connect waits until it is free`() throws {
    let adapters = #""adapters":[{"name":"hci0"},{"name":"hci1"}],"#
    var stage = try Stage(#""known":true,"adapter":["hci0","hci1"]"#, top: adapters)
    let other = "/org/bluez/hci1/dev_D8_B6_73_BF_4F_75"
    stage.connect()
    stage.pass(.seconds(1))
    let second = stage.call("Connect", Interface.device, on: other, by: ":1.8")
    stage.pass(.seconds(60))
    #expect(stage.answer(second) == nil)
    stage.disconnect()
    stage.pass(.seconds(3))
    #expect(stage.answer(second) == .ok([]))
  }

  @Test func `RemoveDevice drops the link and the object; unknown, it does not exist`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.ask("RemoveDevice", Interface.adapter, on: Stage.adapter, [.objectPath(Stage.device)]) == .ok([]))
    #expect(!stage.isListed)
    #expect(stage.noted("link_closed").map { $0.fields["by"] } == [.string("remove")])
    #expect(
      stage.ask("RemoveDevice", Interface.adapter, on: Stage.adapter, [.objectPath(Stage.device)]) == .error(.doesNotExist))
  }

  @Test func `power off takes the links and the attempts, and leaves what was connected to listed`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    try stage.tell(#"{"do":"power","adapter":"hci0","on":false}"#)
    #expect(stage.isListed && !stage.isConnected)
    #expect(stage.noted("link_closed").map { $0.fields["by"] } == [.string("power")])
    #expect(stage.world.modules[Stage.inverter]?.isLinked == false)
  }

  @Test func `another program's link makes the module connected, and its Disconnect is anyone's`() throws {
    var stage = try Stage(#""known":true"#)
    try stage.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    #expect(stage.isConnected)
    stage.disconnect()
    stage.pass(.milliseconds(2100))
    #expect(!stage.isConnected)
  }
}
