import Readings

@testable import ATT

/// A module's side of the protocol over a table of attributes: answers as the specification says, at its MTU. It is written for
/// tests and knows nothing of the client but its packets.
struct Peripheral {
  struct Attribute {
    var handle: UInt16
    var type: AttributeType
    var value: [UInt8] = []
  }

  var attributes: [Attribute]
  var mtu: UInt16 = 23
  private var agreed: UInt16 = 23
  /// Everything that was written, by request or command.
  private(set) var writes: [(handle: UInt16, value: [UInt8])] = []
  /// Requests in order.
  private(set) var asked: [PDU] = []

  init(_ attributes: [Attribute], mtu: UInt16 = 23) {
    self.attributes = attributes.sorted { $0.handle < $1.handle }
    self.mtu = mtu
  }

  /// The renogy table: ffd0 with ffd1, fff0 with fff1 and 2902, and the firmware update's f000ffd0 with f000ffd1 and a 2902.
  static func renogy(shift: UInt16 = 0, mtu: UInt16 = 23) -> Peripheral {
    var table: [Attribute] = []
    var next: UInt16 = 1
    func word(_ word: UInt16) -> [UInt8] { [UInt8(word & 0xff), UInt8(word >> 8)] }
    func add(_ type: AttributeType, _ value: [UInt8] = []) {
      table.append(Attribute(handle: next, type: type, value: value))
      next += 1
    }
    func characteristic(_ type: AttributeType, _ properties: UInt8, notifies: Bool = false) {
      add(.characteristic, [properties] + word(next + 1) + type.wire)
      add(type)
      if notifies { add(.configuration, [0, 0]) }
    }
    let trap = [0, 0, 0, 0, 0, 0, 0, 0xb0, 0, 0x40, 0x51, 0x04] as [UInt8]
    add(.primaryService, word(0x1801))
    characteristic(.init(0x2a05), 0x20, notifies: true)
    next = 0x10 + shift
    add(.primaryService, word(0xffd0))
    characteristic(.init(0xffd1), 0x0e)
    characteristic(.init(0xffd2), 0x12, notifies: true)
    next = 0x20 + shift
    add(.primaryService, word(0xfff0))
    characteristic(.init(0xfff1), 0x12, notifies: true)
    add(.init(0x2901), Array("rx".utf8))
    characteristic(.init(0xfff2), 0x02)
    next = 0x30 + shift
    add(.primaryService, trap + [0xd0, 0xff, 0x00, 0xf0])
    if let type = AttributeType(wire: trap + [0xd1, 0xff, 0x00, 0xf0]) { characteristic(type, 0x1e, notifies: true) }
    return Peripheral(table, mtu: mtu)
  }

  /// A Smart Shunt 300's: c011 with c411 and 2902, and its name.
  static func shunt(mtu: UInt16) -> Peripheral {
    func attribute(_ handle: UInt16, _ type: AttributeType, _ value: [UInt8] = []) -> Attribute {
      Attribute(handle: handle, type: type, value: value)
    }
    return Peripheral(
      [
        attribute(1, .primaryService, [0x00, 0x18]), attribute(2, .characteristic, [0x02, 3, 0, 0x00, 0x2a]),
        attribute(3, .deviceName, Array("RTMShunt300".utf8)), attribute(0x10, .primaryService, [0x11, 0xc0]),
        attribute(0x11, .characteristic, [0x12, 0x12, 0, 0x11, 0xc4]), attribute(0x12, .init(0xc411)),
        attribute(0x13, .configuration, [0, 0]),
      ], mtu: mtu)
  }

  mutating func answer(_ packet: [UInt8]) -> [[UInt8]] {
    guard let request = try? PDU(packet) else { return [] }
    asked.append(request)
    func refuse(_ code: ErrorCode, _ handle: UInt16 = 0) -> [[UInt8]] {
      [PDU.error(request: request.opcode, handle: handle, code: code).packet]
    }
    let room = Int(agreed) - 2
    switch request {
    case .mtuRequest(let theirs):
      agreed = max(23, min(mtu, theirs))
      return [PDU.mtuResponse(mtu).packet]
    case .readByGroupType(let range, .primaryService):
      let found = attributes.filter { range.contains($0.handle) && $0.type == .primaryService }
      guard let first = found.first else { return refuse(.attributeNotFound, range.lowerBound) }
      let groups = found.prefix { $0.value.count == first.value.count }.prefix(max(1, room / (4 + first.value.count)))
      return [PDU.byGroupType(groups.map { .init(handle: $0.handle, end: end(of: $0.handle), value: $0.value) }).packet]
    case .readByType(let range, let type):
      let found = attributes.filter { range.contains($0.handle) && $0.type == type }
      guard let first = found.first else { return refuse(.attributeNotFound, range.lowerBound) }
      let items = found.prefix { $0.value.count == first.value.count }.prefix(max(1, room / (2 + first.value.count)))
      return [PDU.byType(items.map { .init(handle: $0.handle, value: $0.value) }).packet]
    case .findInformation(let range):
      let found = attributes.filter { range.contains($0.handle) }
      guard let first = found.first else { return refuse(.attributeNotFound, range.lowerBound) }
      let size = first.type.wire.count
      let items = found.prefix { $0.type.wire.count == size }.prefix(max(1, room / (2 + size)))
      return [PDU.information(items.map { .init(handle: $0.handle, type: $0.type) }).packet]
    case .writeRequest(let handle, let value):
      writes.append((handle, value))
      guard attributes.contains(where: { $0.handle == handle }) else { return refuse(.invalidHandle, handle) }
      return [PDU.writeResponse.packet]
    case .writeCommand(let handle, let value):
      writes.append((handle, value))
      return []
    default: return []
    }
  }

  private func end(of service: UInt16) -> UInt16 {
    attributes.first { $0.handle > service && $0.type == .primaryService }.map { $0.handle - 1 } ?? 0xffff
  }
}
