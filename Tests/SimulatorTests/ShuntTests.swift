import DBus
import Testing

@testable import Simulator

@Suite struct ShuntTests {
  private static let notify = "\(Stage.device)/service0010/char0011"
  private static let captured =
    "4257011901001630a0240806a1230836a202137fa4ffddf1a60033e5a6100000a70003c5a7100000a80bc6b0a9000001aa04e800f8010000"

  private func stage(_ members: String = #""known":true"#) throws -> Stage {
    let json = """
      {"modules":[{"address":"\(Stage.inverter)","name":"RTMShunt300123456","devices":[{"registers":"RTMShunt300"}],\(members)}]}
      """
    return Stage(try Setup(JSON(parsing: Array(json.utf8))))
  }

  private func values(_ stage: Stage) -> [String] {
    stage.changes(of: Self.notify).compactMap { $0["Value"]?.asBytes.map { Hex.text($0) } }
  }

  @Test func `it pushes frames of 110 bytes while somebody listens`() throws {
    var stage = try stage()
    #expect(stage.property("UUIDs") == .strings([]))
    stage.connect()
    stage.pass(.seconds(5))
    #expect(stage.property("UUIDs")?.asStrings?.contains("0000c011-0000-1000-8000-00805f9b34fb") == true)
    #expect(values(stage) == [])
    #expect(stage.property("UUID", of: Self.notify) == .string("0000c411-0000-1000-8000-00805f9b34fb"))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Self.notify) == .ok([]))
    stage.pass(.milliseconds(999))
    #expect(values(stage) == [])
    stage.pass(.milliseconds(1))
    #expect(values(stage).map(\.count) == [40, 40, 40, 40, 40, 20])
    #expect(values(stage).joined().hasPrefix(Self.captured))
    stage.pass(.seconds(1))
    #expect(values(stage).count == 12)
    stage.call("StopNotify", Interface.characteristic, on: Self.notify)
    stage.pass(.seconds(10))
    #expect(values(stage).count == 12)
  }

  @Test func `every fifth frame is one of history`() throws {
    var stage = try stage(#""known":true,"mtu":247,"delays":{"push_ms":100}"#)
    stage.connect()
    stage.pass(.milliseconds(500))
    stage.call("StartNotify", Interface.characteristic, on: Self.notify)
    stage.pass(.seconds(1))
    let heads = values(stage).map { String($0.prefix(8)) }
    let live = [String](repeating: "42570119", count: 4)
    #expect(heads == live + ["4257010b"] + live + ["4257010b"])
    #expect(values(stage).allSatisfy { $0.count == 220 })
    // Whoever took its values for those of now would show others.
    #expect(values(stage)[4].dropFirst(8).hasPrefix("01111111" + "a0111111") && !values(stage)[4].contains("ffddf1"))
  }

  @Test func `it begins anew on another link`() throws {
    var stage = try stage()
    stage.connect()
    stage.pass(.milliseconds(500))
    stage.call("StartNotify", Interface.characteristic, on: Self.notify)
    stage.pass(.milliseconds(1500))
    try stage.tell(#"{"do":"drop","address":"\#(Stage.inverter)"}"#)
    stage.pass(.seconds(10))
    #expect(stage.noted("pushed").count == 1)
    stage.connect()
    stage.pass(.milliseconds(1499))
    #expect(stage.noted("pushed").count == 1)
    stage.pass(.milliseconds(1))
    #expect(stage.noted("pushed").count == 2)
  }

  @Test func `on a socket, too, and there is nothing to write to`() throws {
    var stage = try stage(#""delays":{"push_ms":200}"#)
    stage.handle(.attached(1, address: Stage.inverter))
    stage.pass(.seconds(1))
    func ask(_ hex: String) -> String? {
      stage.handle(.packet(1, Hex.bytes(hex) ?? []))
      return stage.packets[1]?.last.map { Hex.text($0) }
    }
    #expect(ask("10 01 00 ff ff 00 28") == "1106" + "01000f000118" + "10001f0011c0" + "2000ffff0018")
    #expect(ask("08 10 00 1f 00 03 28") == "0907" + "1100" + "10" + "1200" + "11c4")
    #expect(ask("12 12 00 ff 03") == "0112120003")
    #expect(ask("12 13 00 01 00") == "13")
    let before = stage.packets[1]?.count ?? 0
    stage.pass(.milliseconds(200))
    let pieces = (stage.packets[1] ?? []).dropFirst(before)
    #expect(pieces.map(\.count) == [23, 23, 23, 23, 23, 13])
    #expect(pieces.allSatisfy { $0.starts(with: [0x1b, 0x12, 0]) })
    #expect(Hex.text(pieces.flatMap { $0.dropFirst(3) }).hasPrefix(Self.captured))
    #expect(stage.noted("notify_on").map { $0.fields["uuid"] } == [.string(GattTable.shuntNotify)])
    #expect(ask("12 13 00 00 00") == "13")
    let after = stage.packets[1]?.count ?? 0
    stage.pass(.seconds(10))
    #expect(stage.packets[1]?.count == after)
  }

  @Test func `pieces of two frames are never mixed`() throws {
    var stage = try stage(#""known":true,"delays":{"push_ms":10,"fragment_ms":40}"#)
    stage.connect()
    stage.pass(.milliseconds(500))
    stage.call("StartNotify", Interface.characteristic, on: Self.notify)
    stage.pass(.seconds(1))
    let stream = values(stage).joined()
    #expect(stream.prefix(220).hasPrefix(Self.captured) && stream.dropFirst(220).hasPrefix(Self.captured))
  }

  @Test func `what a suspended machine slept through is not caught up with`() throws {
    var stage = try stage()
    stage.connect()
    stage.pass(.milliseconds(500))
    stage.call("StartNotify", Interface.characteristic, on: Self.notify)
    stage.pass(.milliseconds(500))
    stage.sleep(.seconds(3600))
    #expect(stage.noted("pushed").count <= 2)
    stage.pass(.seconds(10))
    #expect((10...12).contains(stage.noted("pushed").count))
  }

  @Test func `listening that ends and begins again has one stream, not two`() throws {
    var stage = try stage()
    stage.connect()
    stage.pass(.milliseconds(500))
    for _ in 1...3 {
      stage.call("StartNotify", Interface.characteristic, on: Self.notify)
      stage.pass(.milliseconds(100))
      stage.call("StopNotify", Interface.characteristic, on: Self.notify)
    }
    stage.call("StartNotify", Interface.characteristic, on: Self.notify, by: ":1.8")
    stage.call("StartNotify", Interface.characteristic, on: Self.notify)
    stage.pass(.seconds(3))
    #expect(stage.noted("pushed").count == 3)
    #expect(values(stage).count == 18)
  }

  @Test func `a subscription that came to nothing hears nothing`() throws {
    var stage = try stage(#""known":true,"faults":[{"fault":"notify_ignored"}]"#)
    stage.connect()
    stage.pass(.milliseconds(500))
    #expect(stage.ask("StartNotify", Interface.characteristic, on: Self.notify) == .ok([]))
    stage.pass(.seconds(10))
    #expect(stage.noted("pushed").isEmpty)
  }

  @Test func `only its temperature varies, which no frame was seen of`() throws {
    let frames = stride(from: 0, to: 600, by: 10).map { Shunt().frame(1, varied: .seconds($0)) }
    #expect(frames.allSatisfy { Hex.text($0).hasPrefix(Self.captured) && $0.count == 110 && $0[66] == 0 })
    #expect(Set(frames.map { $0[67] }) == [242, 243, 244, 245, 246, 247, 248])
  }

  @Test func `the journal says where its bytes come from`() throws {
    let frames = try stage().noted("frame")
    #expect(frames.map { $0.fields["origin"] } == [.string("capture-partial"), .string("table")])
    #expect(frames.map { $0.fields["bytes"] } == [.int(56), .int(54)])
    #expect(frames.first?.fields["id"] == .string("f112"))
  }

  @Test func `a shunt that shares its line is a mistake`() {
    let json = """
      {"modules":[{"address":"\(Stage.inverter)",
        "devices":[{"registers":"RTMShunt300"},{"unit":32,"registers":"RIV4835CSH1S"}]}]}
      """
    #expect(throws: Mistake("modules[0].devices: RTMShunt300 must be the only one")) {
      try Setup(JSON(parsing: Array(json.utf8)))
    }
  }
}
