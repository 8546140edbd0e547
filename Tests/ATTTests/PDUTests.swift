import Chance
import Readings
import Testing

@testable import ATT

struct PDUTests {
  /// One golden packet for each kind, as the specification lays it out.
  static let golden: [(hex: String, pdu: PDU)] = [
    ("01 08 24 00 0a", .error(request: 0x08, handle: 0x24, code: .attributeNotFound)),
    ("02 05 02", .mtuRequest(517)), ("03 f7 00", .mtuResponse(247)),
    ("04 23 00 26 00", .findInformation(0x23...0x26)),
    (
      "05 01 23 00 02 29 24 00 01 29",
      .information([.init(handle: 0x23, type: .configuration), .init(handle: 0x24, type: .init(0x2901))])
    ),
    ("08 01 00 ff ff 03 28", .readByType(1...0xffff, .characteristic)),
    (
      "09 07 11 00 0e 12 00 d1 ff 14 00 12 15 00 d2 ff",
      .byType([
        .init(handle: 0x11, value: [0x0e, 0x12, 0, 0xd1, 0xff]), .init(handle: 0x14, value: [0x12, 0x15, 0, 0xd2, 0xff]),
      ])
    ),
    ("10 01 00 ff ff 00 28", .readByGroupType(1...0xffff, .primaryService)),
    ("11 06 10 00 1f 00 d0 ff", .byGroupType([.init(handle: 0x10, end: 0x1f, value: [0xd0, 0xff])])),
    ("12 23 00 01 00", .writeRequest(handle: 0x23, value: [1, 0])), ("13", .writeResponse),
    ("52 12 00 20 03", .writeCommand(handle: 0x12, value: [0x20, 0x03])),
    ("1b 22 00 20 03 02", .notification(handle: 0x22, value: [0x20, 0x03, 0x02])),
    ("1b 22 00", .notification(handle: 0x22, value: [])),
    ("1d 03 00 01 00 ff ff", .indication(handle: 3, value: [1, 0, 0xff, 0xff])), ("1e", .confirmation),
    ("7e 01 02", .unknown(opcode: 0x7e, parameters: [1, 2])), ("0a 03 00", .unknown(opcode: 0x0a, parameters: [3, 0])),
  ]

  @Test(arguments: golden.indices) func `a packet is read and written alike`(index: Int) throws {
    let (hex, pdu) = Self.golden[index]
    #expect(try PDU(bytes(hex)) == pdu)
    #expect(pdu.packet == bytes(hex))
  }

  @Test(arguments: [
    ("", PDU.Malformed.empty), ("01 08 24 00", .length(opcode: 1, bytes: 4)), ("01 08 24 00 0a 00", .length(opcode: 1, bytes: 6)),
    ("02 17", .length(opcode: 2, bytes: 2)), ("03", .length(opcode: 3, bytes: 1)), ("04 00 00 01 00", .range(opcode: 4)),
    ("04 02 00 01 00", .range(opcode: 4)), ("05", .length(opcode: 5, bytes: 1)), ("05 03 23 00 02 29", .format(3)),
    ("05 01", .items(opcode: 5, each: 4, bytes: 0)), ("05 01 23 00 02", .items(opcode: 5, each: 4, bytes: 3)),
    ("05 02 23 00 02 29", .items(opcode: 5, each: 18, bytes: 4)), ("08 01 00 ff ff 03", .length(opcode: 8, bytes: 6)),
    ("09", .length(opcode: 9, bytes: 1)), ("09 00", .items(opcode: 9, each: 0, bytes: 0)),
    ("09 00 11 00", .items(opcode: 9, each: 0, bytes: 2)), ("09 01 11", .items(opcode: 9, each: 1, bytes: 1)),
    ("09 07 11 00 0e 12 00 d1", .items(opcode: 9, each: 7, bytes: 6)), ("09 ff 11 00", .items(opcode: 9, each: 255, bytes: 2)),
    ("11 03 10 00 1f", .items(opcode: 0x11, each: 3, bytes: 3)), ("12 23", .length(opcode: 0x12, bytes: 2)),
    ("13 00", .length(opcode: 0x13, bytes: 2)), ("1b 22", .length(opcode: 0x1b, bytes: 2)),
    ("1d", .length(opcode: 0x1d, bytes: 1)),
    ("1e 00", .length(opcode: 0x1e, bytes: 2)), ("52", .length(opcode: 0x52, bytes: 1)),
  ])
  func `a packet that breaks its own form has a name`(hex: String, trouble: PDU.Malformed) {
    #expect(throws: trouble) { try PDU(bytes(hex)) }
  }

  @Test func `whatever comes, reading it ends in a value or in a named error, and a value is written as it came`() {
    var dice = Dice(seed: 1)
    for _ in 0..<Dice.throwCount {
      let packet = dice.packet()
      guard let pdu = try? PDU(packet) else { continue }
      #expect(pdu.opcode == packet[0])
      // The one packet with two forms: a short type written long.
      if case .information = pdu, packet[1] == 2 { continue }
      if case .readByType(_, let type) = pdu, type.short != nil, packet.count > 7 { continue }
      if case .readByGroupType(_, let type) = pdu, type.short != nil, packet.count > 7 { continue }
      #expect(pdu.packet == packet)
    }
  }

  @Test(
    arguments: [
      ("0000ffd1-0000-1000-8000-00805f9b34fb", 0xffd1), ("00002902-0000-1000-8000-00805F9B34FB", 0x2902),
      ("f000ffd1-0451-4000-b000-000000000000", nil), ("0001ffd1-0000-1000-8000-00805f9b34fb", nil),
    ] as [(String, UInt16?)])
  func `only the base UUID has a short form`(text: String, short: UInt16?) throws {
    let type = try #require(AttributeType(text))
    #expect(type.short == short)
    #expect(AttributeType(wire: type.wire) == type)
    #expect(type.wire.count == (short == nil ? 16 : 2))
  }

  @Test(arguments: [
    "", "ffd1", "0000ffd1-0000-1000-8000-00805f9b34f", "0000ffd1-0000-1000-8000-00805f9b34fg",
    "0000ffd1_0000-1000-8000-00805f9b34fb",
    "+000ffd1-0000-1000-8000-00805f9b34fb",
  ])
  func `what is no UUID is none`(text: String) {
    #expect(AttributeType(text) == nil)
  }

  @Test(arguments: [0, 1, 3, 15, 17]) func `a type travels in 2 or 16 bytes`(count: Int) {
    #expect(AttributeType(wire: [UInt8](repeating: 0x28, count: count)) == nil)
  }
}
