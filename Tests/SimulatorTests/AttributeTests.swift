import DBus
import Testing

@testable import Simulator

/// A module reached by its socket, as the kernel's own link would.
@Suite struct AttributeTests {
  private let frame = Hex.bytes("20 03 0f a0 00 0a c0 4a") ?? []

  private func linked(_ members: String = "", as session: Int = 1) throws -> Stage {
    var stage = try Stage(members)
    stage.handle(.attached(session, address: Stage.inverter))
    stage.pass(.seconds(1))
    return stage
  }

  /// Says it and gives what comes back at once.
  private func ask(_ stage: inout Stage, _ hex: String, on session: Int = 1) -> [String] {
    let before = stage.packets[session]?.count ?? 0
    stage.handle(.packet(session, Hex.bytes(hex) ?? []))
    return (stage.packets[session] ?? []).dropFirst(before).map { Hex.text($0) }
  }

  @Test func `a link by a socket is greeted, and bluetoothd knows of it`() throws {
    let stage = try linked()
    #expect(stage.packets[1] == [[0]])
    #expect(stage.isConnected)
    #expect(stage.noted("linked").first?.fields["client"] == .string("att-1"))
  }

  @Test func `its table is listed as the specification says`() throws {
    var stage = try linked()
    #expect(ask(&stage, "02 05 02") == ["031700"])
    #expect(ask(&stage, "10 01 00 ff ff 00 28") == ["1106" + "01000f000118" + "10001f00d0ff" + "20002f00f0ff"])
    #expect(ask(&stage, "10 30 00 ff ff 00 28") == ["111430003f00" + "00000000000000b0" + "00405104d0ff00f0"])
    #expect(ask(&stage, "10 40 00 ff ff 00 28") == ["1106" + "4000ffff0018"])
    #expect(ask(&stage, "08 20 00 2f 00 03 28") == ["090721001222" + "00f1ff"])
    #expect(ask(&stage, "08 23 00 2f 00 03 28") == ["010823000a"])
    #expect(ask(&stage, "04 22 00 23 00") == ["0501" + "2200f1ff" + "23000229"])
    #expect(ask(&stage, "04 00 00 23 00") == ["0104000001"])
    #expect(ask(&stage, "0e 01 00 02 00") == ["010e000006"])
    #expect(ask(&stage, "04 01") == ["0104000004"])
    #expect(ask(&stage, "1e") == [] && ask(&stage, "") == [])
    #expect(ask(&stage, "12 99 00 01 00") == ["0112990001"])
  }

  @Test func `it says its name in Generic Access, behind all else, padded as it is`() throws {
    var stage = try linked()
    let name = Hex.text(Array("BTRIC134000035   ".utf8))
    #expect(ask(&stage, "08 01 00 ff ff 00 2a") == ["0913" + "4200" + name])
    #expect(ask(&stage, "0a 42 00") == ["0b" + name])
    #expect(ask(&stage, "08 40 00 ff ff 03 28") == ["0907" + "4100" + "02" + "4200" + "002a"])
    #expect(ask(&stage, "12 42 00 41") == ["0112420003"])
    #expect(!stage.world.paths.contains { $0.contains("0040") })
  }

  @Test(arguments: [
    ("", "0902" + "4200", "0b"),
    // 19 of its 21 characters fit the one answer, all of them the other.
    (
      "RNGPRO125BAT-EF036881", "0915" + "4200" + "524e4750524f3132354241542d454630333638",
      "0b524e4750524f3132354241542d4546303336383831"
    ),
  ])
  func `a name may be empty, and a long one is cut to the packet`(name: String, byType: String, read: String) throws {
    let json = #"{"modules":[{"address":"\#(Stage.inverter)","name":"\#(name)"}]}"#
    var stage = Stage(try Setup(JSON(parsing: Array(json.utf8))))
    stage.handle(.attached(1, address: Stage.inverter))
    stage.pass(.seconds(1))
    #expect(ask(&stage, "08 01 00 ff ff 00 2a") == [byType])
    #expect(ask(&stage, "0a 42 00") == [read])
  }

  @Test func `a frame is answered in notifications, once they are asked for`() throws {
    var stage = try linked()
    stage.handle(.packet(1, [0x52, 0x12, 0] + frame))
    stage.pass(.milliseconds(100))
    #expect(stage.noted("reply").map { $0.fields["notified"] } == [.bool(false)])
    #expect(ask(&stage, "12 23 00 01 00") == ["13"])
    let before = stage.packets[1]?.count ?? 0
    stage.handle(.packet(1, [0x52, 0x12, 0] + frame))
    stage.pass(.milliseconds(100))
    let pieces = (stage.packets[1] ?? []).dropFirst(before)
    #expect(pieces.map(\.count) == [23, 8])
    #expect(pieces.allSatisfy { $0.starts(with: [0x1b, 0x22, 0]) })
    #expect(stage.noted("reply").last?.fields["notified"] == .bool(true))
  }

  @Test func `a socket that closes lets the link fall a while later; the next one takes it over before`() throws {
    var stage = try linked()
    stage.handle(.detached(1))
    #expect(stage.isConnected)
    stage.handle(.attached(2, address: Stage.inverter))
    #expect(stage.packets[2] == [[0]])
    stage.pass(.seconds(5))
    #expect(stage.isConnected && stage.noted("linked").count == 1)
    stage.handle(.detached(2))
    stage.pass(.milliseconds(1000))
    stage.handle(.attached(3, address: Stage.inverter))
    stage.handle(.detached(3))
    stage.pass(.milliseconds(1500))
    #expect(stage.isConnected)  // its time begins anew
    stage.pass(.milliseconds(700))
    #expect(!stage.isConnected)
  }

  @Test func `a link that is taken over is the same to the module: packet size, subscription, a reply under way`() throws {
    var stage = try linked(#""mtu":247"#)
    #expect(ask(&stage, "02 05 02") == ["03f700"])
    #expect(ask(&stage, "12 23 00 01 00") == ["13"])
    stage.handle(.packet(1, [0x52, 0x12, 0] + frame))
    stage.handle(.detached(1))
    stage.handle(.attached(2, address: Stage.inverter))
    stage.pass(.milliseconds(100))
    #expect(stage.packets[2]?.map(\.count) == [1, 28])
  }

  @Test func `a connect that is given up may be made all the same, and then it is bluetoothd's`() throws {
    var stage = try linked(#""faults":[{"fault":"connects_when_given_up"}]"#)
    #expect(stage.packets[1] == nil && !stage.isConnected)
    stage.handle(.detached(1))
    stage.pass(.seconds(1))
    #expect(stage.isConnected)
    #expect(stage.noted("linked").first?.fields["client"] == .string("bluetoothd"))
    stage.pass(.seconds(60))
    #expect(stage.isConnected)
  }

  @Test func `a module takes one link, whoever makes it`() throws {
    var stage = try linked()
    stage.handle(.attached(2, address: Stage.inverter))
    #expect(stage.packets[2] == [[16]] && stage.hungUp == [2])
    #expect(stage.connect() > 0 && stage.noted("linked").count == 1)
    var other = try Stage()
    _ = other.ask("StartDiscovery", Interface.adapter, on: Stage.adapter)
    other.pass(.seconds(1))
    other.connect()
    other.pass(.seconds(1))
    other.handle(.attached(1, address: Stage.inverter))
    #expect(other.packets[1] == [[16]])
  }

  @Test(
    arguments: [
      (#"{"fault":"slots"}"#, 12), (#"{"fault":"busy_forever"}"#, 16), (#"{"fault":"auth_failed"}"#, 13),
      (#"{"fault":"connect_fails_once"}"#, 103),
    ] as [(String, UInt8)])
  func `a fault of Connect is the kernel's errno`(fault: String, errno: UInt8) throws {
    let stage = try linked(#""faults":[\#(fault)]"#)
    #expect(stage.packets[1] == [[errno]] && stage.hungUp == [1])
  }

  @Test func `a link that the module drops at once is greeted, and gone`() throws {
    var stage = try linked(#""faults":[{"fault":"drop_on_connect","times":1}]"#)
    #expect(stage.packets[1] == [[0]] && stage.hungUp == [1] && !stage.isConnected)
    stage.handle(.attached(2, address: Stage.inverter))
    stage.pass(.seconds(1))
    #expect(stage.packets[2] == [[0]] && stage.hungUp == [1] && stage.isConnected)
  }

  @Test(arguments: [#""known":true"#, #""faults":[{"fault":"never_connects"}]"#, #""advertising":false"#])
  func `an attempt ends with the adapter's power`(members: String) throws {
    var stage = try Stage(members)
    stage.handle(.attached(1, address: Stage.inverter))
    try stage.tell(#"{"do":"power","adapter":"hci0","on":false}"#)
    #expect(stage.packets[1] == [[103]] && stage.hungUp == [1])
  }

  @Test(arguments: [#"{"fault":"never_connects"}"#, #"{"fault":"not_advertising"}"#])
  func `who is not there is not answered`(fault: String) throws {
    let stage = try linked(#""faults":[\#(fault)]"#)
    #expect(stage.packets[1] == nil && stage.hungUp.isEmpty && !stage.isConnected)
  }

  @Test func `services that never come are silence, late ones are late`() throws {
    var never = try linked(#""faults":[{"fault":"services_never_resolve"}]"#)
    #expect(ask(&never, "02 05 02") == [])
    var late = try linked(#""faults":[{"fault":"services_late","ms":3000}]"#)
    #expect(ask(&late, "02 05 02") == [])
    late.pass(.seconds(3))
    #expect(late.packets[1]?.last == [0x03, 0x17, 0])
  }

  @Test func `a refused subscription is an error, an ignored one is not, and a link may drop on it`() throws {
    var refused = try linked(#""faults":[{"fault":"notify_refused"}]"#)
    #expect(ask(&refused, "12 23 00 01 00") == ["0112230003"])
    var ignored = try linked(#""faults":[{"fault":"notify_ignored"}]"#)
    #expect(ask(&ignored, "12 23 00 01 00") == ["13"])
    #expect(ignored.noted("notify_on").isEmpty)
    var shy = try linked(#""faults":[{"fault":"needs_pairing"}]"#)
    #expect(ask(&shy, "12 23 00 01 00") == ["0112230005"])
    #expect(shy.hungUp.isEmpty)
    var dropped = try linked(#""faults":[{"fault":"drop_on_subscribe"}]"#)
    #expect(ask(&dropped, "12 23 00 01 00") == ["13"])
    #expect(dropped.hungUp == [1])
  }

  private static let unasked = [
    ("peer_mtu", "021700"), ("stray_response", "031700"), ("indication", "1d22000000"), ("unknown_opcode", "3f"),
    ("long_pdu", "1b2200" + String(repeating: "00", count: 30)),
  ]

  @Test(arguments: unasked)
  func `a packet that nobody asked for comes before the first answer after the MTU's`(word: String, packet: String) throws {
    var stage = try linked(#""faults":[{"fault":"\#(word)"}]"#)
    #expect(ask(&stage, "04 22 00 22 00") == ["0501" + "2200f1ff"])
    #expect(ask(&stage, "02 05 02") == ["031700"])
    #expect(ask(&stage, "1e") == [], "no request")
    #expect(ask(&stage, "04 22 00 22 00") == [packet, "0501" + "2200f1ff"])
    #expect(ask(&stage, "04 22 00 22 00") == ["0501" + "2200f1ff"])
  }

  @Test func `it is counted by links`() throws {
    var stage = try linked(#""faults":[{"fault":"unknown_opcode","times":1}]"#)
    _ = ask(&stage, "02 05 02")
    #expect(ask(&stage, "0a 22 00") == ["3f", "0b00"])
    stage.handle(.detached(1))
    stage.handle(.attached(2, address: Stage.inverter))
    stage.pass(.seconds(1))
    _ = ask(&stage, "02 05 02", on: 2)
    #expect(ask(&stage, "0a 22 00", on: 2) == ["0b00"])
  }

  @Test(arguments: unasked)
  func `when reading it comes before the reply, counted by requests`(word: String, packet: String) throws {
    var stage = try linked(#""faults":[{"fault":"\#(word)","when":"reading","from_request":2,"times":1}]"#)
    #expect(ask(&stage, "02 05 02") == ["031700"])
    #expect(ask(&stage, "12 23 00 01 00") == ["13"])
    var heard: [[String]] = []
    for _ in 1...3 {
      let before = stage.packets[1]?.count ?? 0
      stage.handle(.packet(1, [0x52, 0x12, 0] + frame))
      stage.pass(.milliseconds(59))
      #expect(stage.packets[1]?.count == before)
      stage.pass(.milliseconds(1))
      heard.append((stage.packets[1] ?? []).dropFirst(before).map { Hex.text($0) })
    }
    #expect(heard.map(\.count) == [2, 3, 2])
    #expect(heard[1] == [packet] + heard[0])
  }

  @Test func `a client's answers are in the journal, its questions are not`() throws {
    var stage = try linked()
    for packet in ["02 05 02", "03 05 02", "1e", "01 3f 00 00 06", "0a 22 00"] { _ = ask(&stage, packet) }
    #expect(stage.noted("att").map { $0.fields["hex"] } == [.string("030502"), .string("1e"), .string("013f000006")])
    #expect(stage.noted("att").first?.fields["address"] == .string(Stage.inverter))
  }

  @Test func `on D-Bus nothing is seen of them`() throws {
    var stage = try Stage(#""known":true,"faults":[{"fault":"long_pdu"},{"fault":"indication","when":"reading"}]"#)
    stage.subscribe()
    _ = stage.request("20030fa0000ac04a")
    stage.pass(.seconds(1))
    #expect(stage.notifications.count == 2 && stage.isConnected)
  }

  @Test func `power off and a dropped link close the socket`() throws {
    var dropped = try linked()
    try dropped.tell(#"{"do":"drop","address":"D8:B6:73:BF:4F:75"}"#)
    #expect(dropped.hungUp == [1])
    var off = try linked()
    try off.tell(#"{"do":"power","adapter":"hci0","on":false}"#)
    #expect(off.hungUp == [1])
    off.handle(.attached(2, address: Stage.inverter))
    #expect(off.packets[2] == [[113]])
  }

  @Test func `a D-Bus Disconnect ends a socket's link as any other`() throws {
    var stage = try linked()
    stage.disconnect()
    stage.pass(.milliseconds(2200))
    #expect(!stage.isConnected && stage.hungUp == [1])
  }

  @Test func `somebody's discovery holds a socket's connection up, until it has heard the module or ends`() throws {
    let slow = #""delays":{"discovery_ms":5000}"#
    var heard = try Stage(slow)
    _ = heard.ask("StartDiscovery", Interface.adapter, on: Stage.adapter)
    heard.handle(.attached(1, address: Stage.inverter))
    heard.pass(.milliseconds(5200))
    #expect(heard.packets[1] == nil)
    heard.pass(.milliseconds(200))
    #expect(heard.packets[1] == [[0]])
    var ended = try Stage(slow)
    _ = ended.ask("StartDiscovery", Interface.adapter, on: Stage.adapter)
    ended.handle(.attached(1, address: Stage.inverter))
    ended.pass(.seconds(1))
    _ = ended.ask("StopDiscovery", Interface.adapter, on: Stage.adapter)
    ended.pass(.milliseconds(400))
    #expect(ended.packets[1] == [[0]])
  }
}
