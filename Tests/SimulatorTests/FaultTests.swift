import DBus
import Testing

@testable import Simulator

@Suite struct FaultTests {
  private static let good = "2003020200"

  private func stage(_ faults: String) throws -> Stage { try Stage("\"known\":true,\"faults\":[\(faults)]") }

  /// The replies to that many requests for one register, a second apart.
  private func replies(_ faults: String, requests: Int = 1, after: Duration = .seconds(1)) throws -> [String] {
    var stage = try stage(faults)
    stage.subscribe()
    var all: [String] = []
    for _ in 0..<requests {
      stage.forgetWhatWasSent()
      _ = stage.request(RequestTests.sealed("20030fa50001"))
      stage.pass(after)
      all.append(stage.notifications.joined())
    }
    return all
  }

  /// How Connect ended within a minute.
  private func connect(_ faults: String, times: Int = 1) throws -> [Stage.Answer?] {
    var stage = try stage(faults)
    return (0..<times).map { _ in
      let call = stage.connect()
      stage.pass(.seconds(60))
      return stage.answer(call)
    }
  }

  @Test func `silent`() throws { #expect(try replies(#"{"fault":"silent"}"#) == [""]) }

  @Test func `wrong_crc`() throws {
    let reply = try #require(try replies(#"{"fault":"wrong_crc"}"#).first.flatMap { Hex.bytes($0) })
    #expect(reply.count == 7)
    #expect(!ModbusSlave.isWhole(reply))
  }

  @Test func `wrong_id has a right checksum`() throws {
    #expect(try replies(#"{"fault":"wrong_id"}"#) == [RequestTests.sealed("2103020200")])
  }

  @Test func `truncated`() throws { #expect(try replies(#"{"fault":"truncated"}"#) == ["200302"]) }

  @Test func `exception, with its code`() throws {
    #expect(try replies(#"{"fault":"exception","code":2}"#) == [RequestTests.sealed("208302")])
  }

  @Test func `noise comes before the frame`() throws {
    #expect(try replies(#"{"fault":"noise","bytes":"ff 20"}"#) == ["ff20" + RequestTests.sealed(Self.good)])
  }

  @Test func `twice is piece by piece`() throws {
    let frame = RequestTests.sealed(Self.good)
    #expect(try replies(#"{"fault":"twice"}"#) == [frame + frame])
  }

  @Test func `slow and late_reply answer in the end`() throws {
    #expect(try replies(#"{"fault":"slow","ms":900}"#, after: .milliseconds(899)) == [""])
    #expect(try replies(#"{"fault":"slow","ms":900}"#, after: .milliseconds(900)) == [RequestTests.sealed(Self.good)])
    #expect(try replies(#"{"fault":"late_reply"}"#, after: .milliseconds(11_999)) == [""])
    #expect(try replies(#"{"fault":"late_reply"}"#, after: .seconds(12)) == [RequestTests.sealed(Self.good)])
  }

  @Test func `from_request and times choose the requests`() throws {
    let whole = RequestTests.sealed(Self.good)
    #expect(try replies(#"{"fault":"silent","from_request":2,"times":2}"#, requests: 4) == [whole, "", "", whole])
  }

  @Test func `unit and register choose them, too`() throws {
    let whole = RequestTests.sealed(Self.good)
    #expect(try replies(#"{"fault":"silent","register":4005}"#) == [""])
    #expect(try replies(#"{"fault":"silent","register":4408},{"fault":"silent","unit":48}"#) == [whole])
  }

  @Test func `drop_link, at the second request`() throws {
    var stage = try stage(#"{"fault":"drop_link","from_request":2}"#)
    stage.subscribe()
    _ = stage.request(RequestTests.sealed("20030fa50001"))
    stage.pass(.seconds(1))
    #expect(stage.isConnected)
    _ = stage.request(RequestTests.sealed("20030fa50001"))
    #expect(!stage.isConnected)
    #expect(stage.noted("link_closed").map { $0.fields["by"] } == [.string("drop")])
  }

  @Test func `not_advertising and never_connects leave Connect without an answer`() throws {
    #expect(try connect(#"{"fault":"not_advertising"}"#) == [nil])
    #expect(try connect(#"{"fault":"never_connects"}"#) == [nil])
  }

  @Test func `connect_error, by name and text`() throws {
    #expect(try connect(#"{"fault":"connect_error"}"#) == [.error(.failed("le-connection-abort-by-local"))])
    #expect(
      try connect(#"{"fault":"connect_error","name":"org.bluez.Error.NotAvailable","text":"Operation currently not available"}"#)
        == [.error(Refusal("org.bluez.Error.NotAvailable", "Operation currently not available"))])
  }

  @Test func `connect_fails_once, and the next attempt is well`() throws {
    #expect(
      try connect(#"{"fault":"connect_fails_once"}"#, times: 2) == [.error(.failed("le-connection-abort-by-local")), .ok([])])
    #expect(
      try connect(#"{"fault":"connect_fails_once","k":2}"#, times: 3).map { $0 == .ok([]) } == [false, false, true])
  }

  @Test func `auth_failed, slots and busy_forever`() throws {
    #expect(
      try connect(#"{"fault":"auth_failed"}"#)
        == [.error(Refusal("org.bluez.Error.AuthenticationFailed", "Authentication Failed"))])
    #expect(try connect(#"{"fault":"slots"}"#) == [.error(.failed("le-connection-concurrent-connection-limit"))])
    #expect(
      try connect(#"{"fault":"busy_forever"}"#, times: 2)
        == [.error(.failed("Operation already in progress")), .error(.failed("Operation already in progress"))])
  }

  @Test func `services_never_resolve, services_late`() throws {
    var never = try stage(#"{"fault":"services_never_resolve"}"#)
    never.connect()
    never.pass(.seconds(30))
    #expect(never.property("ServicesResolved") == .bool(false))
    // The 30 s of an ATT transaction: then it says "resolved", and there is nothing.
    never.pass(.seconds(1))
    #expect(never.isConnected)
    #expect(never.property("ServicesResolved") == .bool(true))
    #expect(never.world.object(at: Stage.notify) == nil)
    var late = try stage(#"{"fault":"services_late","ms":4000}"#)
    late.connect()
    late.pass(.milliseconds(4299))
    #expect(late.property("ServicesResolved") == .bool(false))
    late.pass(.milliseconds(1))
    #expect(late.property("ServicesResolved") == .bool(true))
  }

  @Test func `no_characteristics: not a Renogy module`() throws {
    var stage = try stage(#"{"fault":"no_characteristics"}"#)
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.property("ServicesResolved") == .bool(true))
    #expect(stage.world.object(at: Stage.write) == nil || stage.property("UUID", of: Stage.write) != .string(GattTable.write))
    #expect(stage.world.object(at: Stage.notify) == nil)
  }

  @Test(arguments: [
    ("notify_refused", Refusal("org.bluez.Error.Failed", "Operation failed with ATT error: 0x0e"), true),
    ("needs_pairing", Refusal("org.bluez.Error.Failed", "Operation failed with ATT error: 0x0e"), false),
    ("notify_taken", Refusal("org.bluez.Error.NotPermitted", "Notify acquired"), true),
  ])
  func `a subscription that is refused, and what becomes of the link`(fault: String, refusal: Refusal, stands: Bool) throws {
    var stage = try stage("{\"fault\":\"\(fault)\"}")
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Stage.notify) == .error(refusal))
    #expect(stage.isConnected == stands)
  }

  @Test func `connected_unsaid: true for those who ask, and no signal`() throws {
    var stage = try stage(#"{"fault":"connected_unsaid"}"#)
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.isConnected)
    #expect(!stage.changes(of: Stage.device).contains { $0["Connected"] != nil })
  }

  @Test func `notify_ignored says ok, and nothing comes of it`() throws {
    var stage = try stage(#"{"fault":"notify_ignored"}"#)
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Stage.notify) == .ok([]))
    #expect(stage.property("Notifying", of: Stage.notify) == .bool(false))
  }

  @Test func `drop_on_subscribe says ok, and the link is gone`() throws {
    var stage = try stage(#"{"fault":"drop_on_subscribe"}"#)
    stage.connect()
    stage.pass(.seconds(1))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Stage.notify) == .ok([]))
    #expect(!stage.isConnected)
  }

  @Test func `disconnect_never: no answer, and the link stays`() throws {
    var stage = try stage(#"{"fault":"disconnect_never","times":1}"#)
    stage.connect()
    stage.pass(.seconds(1))
    let call = stage.disconnect()
    stage.pass(.seconds(60))
    #expect(stage.answer(call) == nil)
    #expect(stage.isConnected)
    let again = stage.disconnect()
    stage.pass(.seconds(3))
    #expect(stage.answer(again) == .ok([]))
  }

  @Test func `daemon_mute: the method is never answered and does nothing`() throws {
    var stage = try stage(#"{"fault":"daemon_mute","method":"StartDiscovery","times":1}"#)
    #expect(stage.ask("StartDiscovery", Interface.adapter, on: Stage.adapter) == nil)
    #expect(stage.property("Discovering", of: Stage.adapter) == .bool(false))
    #expect(stage.ask("StartDiscovery", Interface.adapter, on: Stage.adapter) == .ok([]))
  }

  @Test func `daemon_mute of a device's method concerns its own module only`() throws {
    let other = "D8:B6:73:BF:4F:76"
    let json = """
      {"modules":[{"address":"\(Stage.inverter)","known":true},
        {"address":"\(other)","known":true,"faults":[{"fault":"daemon_mute","method":"Connect"}]}]}
      """
    var stage = Stage(try Setup(JSON(parsing: Array(json.utf8))))
    let muted = stage.call("Connect", Interface.device, on: Device.path(other, on: "hci0"))
    let heard = stage.connect()
    stage.pass(.seconds(60))
    #expect(stage.answer(muted) == nil)
    #expect(stage.answer(heard) == .ok([]))
  }

  @Test func `faults can be replaced while it runs`() throws {
    var stage = try stage(#"{"fault":"not_advertising"}"#)
    let call = stage.connect()
    stage.pass(.seconds(60))
    try stage.tell(#"{"do":"faults","address":"D8:B6:73:BF:4F:75","faults":[]}"#)
    stage.pass(.seconds(1))
    #expect(stage.answer(call) == .ok([]))
  }

  @Test func `stale_cache is believed until RemoveDevice`() throws {
    var stage = try stage(#"{"fault":"stale_cache"}"#)
    for wasRemoved in [false, true] {
      if wasRemoved {
        stage.disconnect()
        stage.pass(.seconds(3))
        #expect(stage.ask("RemoveDevice", Interface.adapter, on: Stage.adapter, [.objectPath(Stage.device)]) == .ok([]))
        #expect(stage.ask("StartDiscovery", Interface.adapter, on: Stage.adapter) == .ok([]))
        stage.pass(.milliseconds(200))
      }
      stage.connect()
      stage.pass(.seconds(1))
      #expect(stage.isConnected)
      #expect((stage.world.object(at: Stage.notify) != nil) == wasRemoved)
    }
  }
}
