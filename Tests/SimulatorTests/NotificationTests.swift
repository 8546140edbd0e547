import DBus
import Testing

@testable import Simulator

@Suite struct NotificationTests {
  private static let voltage = "20030fa50001"

  private func sealed(_ hex: String) -> String { Hex.text(ModbusSlave.sealed(Hex.bytes(hex) ?? [])) }

  @Test func `StartNotify is ok without a link, and taken up with the next`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    stage.disconnect()
    stage.pass(.seconds(3))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Stage.notify) == .ok([]))
    #expect(stage.property("Notifying", of: Stage.notify) == .bool(false))
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.property("Notifying", of: Stage.notify) == .bool(true))
  }

  @Test func `WriteValue without a link is an error`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.seconds(1))
    stage.disconnect()
    stage.pass(.seconds(3))
    #expect(stage.request(sealed(Self.voltage)) == .error(.failed("Not connected")))
  }

  @Test func `every notification is told, equal ones too`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    for _ in 1...2 {
      #expect(stage.request(sealed(Self.voltage)) == .ok([]))
      stage.pass(.milliseconds(60))
    }
    #expect(stage.notifications == [sealed("2003020200"), sealed("2003020200")])
  }

  @Test func `nobody notifying, nothing is told`() throws {
    var stage = try Stage(#""known":true"#)
    stage.connect()
    stage.pass(.milliseconds(500))
    _ = stage.request(sealed(Self.voltage))
    stage.pass(.seconds(1))
    #expect(stage.notifications == [])
    #expect(stage.noted("reply").map { $0.fields["notified"] } == [.bool(false)])
  }

  @Test func `a session belongs to its client and goes with it`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Stage.notify) == .ok([]))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Stage.notify, by: ":1.8") == .ok([]))
    stage.handle(.clientGone(Stage.client))
    #expect(stage.property("Notifying", of: Stage.notify) == .bool(true))
    #expect(stage.ask("StopNotify", Interface.characteristic, on: Stage.notify, by: ":1.8") == .ok([]))
    #expect(stage.property("Notifying", of: Stage.notify) == .bool(false))
    #expect(
      stage.ask("StopNotify", Interface.characteristic, on: Stage.notify, by: ":1.8")
        == .error(.failed("No notify session started")))
  }

  @Test func `AcquireNotify is not supported`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    #expect(
      stage.ask("AcquireNotify", Interface.characteristic, on: Stage.notify, [.properties([:])]) == .error(.notSupported))
  }

  @Test func `the module has the generic attributes, its two services, and the update service that is a trap`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    let uuids = stage.world.gattPaths(Stage.device).compactMap { stage.property("UUID", of: $0)?.asString }
    for short in ["1801", "2a05", "2b29", "2b2a", "ffd0", "ffd1", "ffd2", "ffd3", "ffd4", "ffd5", "fff0", "fff1", "2902"] {
      #expect(uuids.contains(GattTable.full(short)))
    }
    #expect(uuids.contains("f000ffd0-0451-4000-b000-000000000000"))
    #expect(uuids.contains("f000ffd1-0451-4000-b000-000000000000"))
    #expect(stage.property("Flags", of: Stage.write) == .strings(["read", "write-without-response", "write"]))
    #expect(stage.property("Flags", of: Stage.notify) == .strings(["read", "notify"]))
  }

  @Test func `unknown methods, interfaces and properties are errors`() throws {
    var stage = try Stage()
    #expect(
      stage.ask("Explode", Interface.adapter, on: Stage.adapter)
        == .error(
          Refusal(
            "org.freedesktop.DBus.Error.UnknownMethod",
            "Method \"Explode\" with signature \"\" on interface \"org.bluez.Adapter1\" doesn't exist\n")))
    #expect(
      stage.ask("GetAll", Interface.properties, on: Stage.adapter, [.string("org.bluez.Nothing1")])
        == .error(Refusal("org.freedesktop.DBus.Error.InvalidArgs", "No such interface 'org.bluez.Nothing1'")))
    #expect(
      stage.ask("Get", Interface.properties, on: Stage.adapter, [.string(Interface.adapter), .string("Colour")])
        == .error(Refusal("org.freedesktop.DBus.Error.InvalidArgs", "No such property 'Colour'")))
    #expect(stage.ask("Ping", Interface.peer, on: "/org/bluez/hci0") == .ok([]))
  }
}
