import DBus
import Testing

@testable import Simulator

@Suite struct RequestTests {
  static func sealed(_ hex: String) -> String { Hex.text(ModbusSlave.sealed(Hex.bytes(hex) ?? [])) }

  /// What one request brings, joined, after a second.
  static func reply(to hex: String, _ members: String = #""known":true"#) throws -> String {
    var stage = try Stage(members)
    stage.subscribe()
    _ = stage.request(hex)
    stage.pass(.seconds(1))
    return stage.notifications.joined()
  }

  @Test func `the captured frame of 4000 comes back to the byte, in pieces of 20`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    #expect(stage.request("20030fa0000ac04a") == .ok([]))
    stage.pass(.milliseconds(59))
    #expect(stage.notifications == [])
    stage.pass(.milliseconds(1))
    #expect(stage.notifications == ["200314046f06a4046b001e177102000227000000", "001771352f"])
    #expect(stage.noted("request").map { $0.fields["hex"] } == [.string("20030fa0000ac04a")])
    #expect(stage.noted("reply").count == 1)
  }

  @Test func `the captured frame of 4408 comes back to the byte`() throws {
    #expect(try Self.reply(to: "2003113800064788") == "20030c000200140016000001710000a0f6")
  }

  @Test func `a reply does not outlive its link`() throws {
    var stage = try Stage(#""known":true,"delays":{"reply_ms":2000}"#)
    stage.subscribe()
    _ = stage.request("20030fa0000ac04a")
    try stage.tell(#"{"do":"drop","address":"D8:B6:73:BF:4F:75"}"#)
    stage.connect()
    stage.pass(.seconds(10))
    #expect(stage.property("Notifying", of: Stage.notify) == .bool(true))
    #expect(stage.notifications == [])
  }

  @Test func `a larger MTU makes fewer pieces`() throws {
    var stage = try Stage(#""known":true,"mtu":251"#)
    stage.subscribe()
    _ = stage.request("20030fa0000ac04a")
    stage.pass(.seconds(1))
    #expect(stage.notifications == ["200314046f06a4046b001e177102000227000000001771352f"])
  }

  @Test func `pieces can be apart`() throws {
    var stage = try Stage(#""known":true,"delays":{"fragment_ms":40}"#)
    stage.subscribe()
    _ = stage.request("20030fa0000ac04a")
    stage.pass(.milliseconds(99))
    #expect(stage.notifications.count == 1)
    stage.pass(.milliseconds(1))
    #expect(stage.notifications.count == 2)
  }

  @Test(arguments: [
    ("20030fa00008", "200310046f06a4046b001e1771020002270000"),  // eight words of a block of ten
    ("20030fa50001", "2003020200"),  // one from its middle
    ("2003100d0001", "2003020020"),
    ("200310e70007", "20030e0057fe11026900690288000109e7"),
  ])
  func `any run of known registers is answered`(request: String, reply: String) throws {
    #expect(try Self.reply(to: Self.sealed(request)) == Self.sealed(reply))
  }

  @Test(arguments: [
    ("20030fa00020", "208302"),  // over the end of the block
    ("2003000c0008", "208302"),  // not one of this model's
    ("20030fa00000", "208303"),
    ("20060fa00001", "208601"),
  ])
  func `what it cannot answer is an exception`(request: String, reply: String) throws {
    #expect(try Self.reply(to: Self.sealed(request)) == Self.sealed(reply))
  }

  @Test(arguments: ["20030fa0000a0000", "21030fa0000ac19b", "2003", ""])
  func `a bad checksum, another unit and rubbish are met with silence`(request: String) throws {
    #expect(try Self.reply(to: request) == "")
  }

  @Test func `at 255 a lone device answers with its own id, or as it is set up`() throws {
    let request = Self.sealed("ff030fa50001")
    #expect(try Self.reply(to: request) == Self.sealed("2003020200"))
    #expect(try Self.reply(to: request, #""known":true,"answers_255_as":255"#) == Self.sealed("ff03020200"))
  }

  @Test func `at 255 two devices on one line give nothing that can be used`() throws {
    let two = #"{"unit":32,"registers":"RIV4835CSH1S"},{"unit":33,"registers":"RIV4835CSH1S"}"#
    let json = "{\"modules\":[{\"address\":\"\(Stage.inverter)\",\"known\":true,\"devices\":[\(two)]}]}"
    var stage = Stage(try Setup(JSON(parsing: Array(json.utf8))))
    stage.subscribe()
    _ = stage.request(Self.sealed("ff030fa50001"))
    stage.pass(.seconds(1))
    #expect(stage.notifications == [])
    _ = stage.request(Self.sealed("21030fa50001"))
    stage.pass(.seconds(1))
    #expect(stage.notifications == [Self.sealed("2103020200")])
  }

  @Test func `variation moves table registers and never a captured frame`() throws {
    let registers = Registers.riv4835csh1s
    let moments = stride(from: 0, to: 600, by: 10).map { Duration.seconds($0) }
    #expect(Set(moments.map { registers.read(4327, count: 7, varied: $0) }).count > 3)
    #expect(Set(moments.map { registers.read(4000, count: 10, varied: $0) }).count == 1)
    #expect(Set(moments.map { registers.read(4408, count: 6, varied: $0) }).count == 1)
  }

  @Test func `the journal says at the start which words were captured and which are from the table`() throws {
    let stage = try Stage()
    let captured = stage.noted("registers").filter { $0.fields["origin"] == .string("capture") }
    #expect(captured.map { $0.fields["register"] } == [.int(4000), .int(4408)])
    #expect(captured.map { $0.fields["id"] } == [.string("f048"), .string("f051")])
    #expect(captured.allSatisfy { $0.fields["source"] == .string("IAmTheMitchell/renogy-ble") })
    #expect(stage.notes.last?.saw == "ready")
  }
}
