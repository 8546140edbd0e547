import Devices
import Testing

@Suite struct ModbusReplyTests {
  static let whole = CapturedFrame.all.filter { $0.crcOk == true && $0.response != nil }

  @Test(arguments: whole) func `the checksum of every captured frame is right`(frame: CapturedFrame) throws {
    let response = try #require(frame.response)
    let crc = CRC16.modbus(response.dropLast(2))
    #expect(response.suffix(2) == [UInt8(crc & 0xFF), UInt8(crc >> 8)])
  }

  @Test func `a request is eight bytes with its checksum`() {
    #expect(ReadRequest(unit: 32, register: 4000, words: 10).frame == bytes("20030fa0000ac04a"))
    #expect(ReadRequest(unit: 255, register: 256, words: 34).frame.count == 8)
  }

  @Test(arguments: [
    ("f036", ModbusReply.Fault.byteCount(got: 12, asked: 14)),
    ("f044", .truncated(got: 7, of: 17)),
    ("f054", .checksum),
    ("f088", .byteCount(got: 2, asked: 4)),
  ])
  func `the negative frames are refused by name`(id: String, fault: ModbusReply.Fault) throws {
    let frame = CapturedFrame[id]
    let asked = try #require(frame.request)
    let request = ReadRequest(
      unit: asked[0], register: UInt16(asked[2]) << 8 | UInt16(asked[3]), words: UInt16(asked[4]) << 8 | UInt16(asked[5]))
    #expect(throws: fault) { try ModbusReply.parse(try #require(frame.response)[...], to: request) }
  }

  @Test func `a reply of the asked length with a wrong checksum is refused`() {
    // f036 as it would be for the six words that it carries.
    let reply = bytes("300313b20006654a")
    #expect(reply.count == 8)
    let request = ReadRequest(unit: 0x30, register: 5042, words: 6)
    #expect(throws: ModbusReply.Fault.checksum) {
      try ModbusReply.parse(bytes("30030c0000008800017bb0000186a00dec")[...], to: request)
    }
  }

  @Test func `a reply of another unit, function or length is refused by name`() {
    let request = ReadRequest(unit: 32, register: 4408, words: 6)
    let good = bytes("20030c000200140016000001710000a0f6")
    #expect((try? ModbusReply.parse(good[...], to: request)) == .registers(unit: 32, [2, 20, 22, 0, 369, 0]))
    #expect(throws: ModbusReply.Fault.unit(got: 32, asked: 33)) {
      try ModbusReply.parse(good[...], to: ReadRequest(unit: 33, register: 4408, words: 6))
    }
    #expect(throws: ModbusReply.Fault.byteCount(got: 12, asked: 14)) {
      try ModbusReply.parse(good[...], to: ReadRequest(unit: 32, register: 4327, words: 7))
    }
    #expect(throws: ModbusReply.Fault.function(got: 6)) {
      try ModbusReply.parse(bytes("20060c00")[...], to: request)
    }
  }

  @Test func `a device asked as unit 255 may answer with its own id`() {
    // f023: a battery asked at FF answered with 30, and with exception 2.
    let request = ReadRequest(unit: 255, register: 0, words: 1)
    #expect((try? ModbusReply.parse(bytes("308302913e")[...], to: request)) == .exception(unit: 0x30, code: 2))
  }
}
