extension PDU {
  /// Reads one packet; whatever it holds, the answer is a value or a named error.
  package init(_ packet: [UInt8]) throws(Malformed) {
    guard let opcode = packet.first else { throw .empty }
    let body = Array(packet.dropFirst())
    func exactly(_ counts: Int...) throws(Malformed) {
      guard counts.contains(body.count) else { throw .length(opcode: opcode, bytes: packet.count) }
    }
    func atLeast(_ count: Int) throws(Malformed) {
      guard body.count >= count else { throw .length(opcode: opcode, bytes: packet.count) }
    }
    switch opcode {
    case 0x01:
      try exactly(4)
      self = .error(request: body[0], handle: body.word(at: 1), code: ErrorCode(body[3]))
    case 0x02:
      try exactly(2)
      self = .mtuRequest(body.word(at: 0))
    case 0x03:
      try exactly(2)
      self = .mtuResponse(body.word(at: 0))
    case 0x04:
      try exactly(4)
      self = .findInformation(try Self.range(body, opcode))
    case 0x05:
      try atLeast(1)
      guard body[0] == 1 || body[0] == 2 else { throw .format(body[0]) }
      self = .information(
        try Self.items(body, each: body[0] == 1 ? 4 : 18, atLeast: 4, opcode).compactMap { item in
          AttributeType(wire: item.dropFirst(2)).map { Information(handle: item.word(at: 0), type: $0) }
        })
    case 0x08, 0x10:
      try exactly(6, 20)
      guard let type = AttributeType(wire: body.dropFirst(4)) else { throw .length(opcode: opcode, bytes: packet.count) }
      let range = try Self.range(body, opcode)
      self = opcode == 0x08 ? .readByType(range, type) : .readByGroupType(range, type)
    case 0x09:
      try atLeast(1)
      self = .byType(
        try Self.items(body, each: Int(body[0]), atLeast: 2, opcode).map {
          Attribute(handle: $0.word(at: 0), value: Array($0.dropFirst(2)))
        })
    case 0x11:
      try atLeast(1)
      self = .byGroupType(
        try Self.items(body, each: Int(body[0]), atLeast: 4, opcode).map {
          Group(handle: $0.word(at: 0), end: $0.word(at: 2), value: Array($0.dropFirst(4)))
        })
    case 0x12, 0x52, 0x1b, 0x1d:
      try atLeast(2)
      let (handle, value) = (body.word(at: 0), Array(body.dropFirst(2)))
      self =
        switch opcode {
        case 0x12: .writeRequest(handle: handle, value: value)
        case 0x52: .writeCommand(handle: handle, value: value)
        case 0x1b: .notification(handle: handle, value: value)
        default: .indication(handle: handle, value: value)
        }
    case 0x13, 0x1e:
      try exactly(0)
      self = opcode == 0x13 ? .writeResponse : .confirmation
    default: self = .unknown(opcode: opcode, parameters: body)
    }
  }

  private static func range(_ body: [UInt8], _ opcode: UInt8) throws(Malformed) -> ClosedRange<UInt16> {
    let (start, end) = (body.word(at: 0), body.word(at: 2))
    guard start > 0, end >= start else { throw .range(opcode: opcode) }
    return start...end
  }

  /// A list of items of one length, after the byte that tells it: all of them whole, and at least one.
  private static func items(
    _ body: [UInt8], each: Int, atLeast least: Int, _ opcode: UInt8
  ) throws(Malformed) -> [[UInt8]] {
    let bytes = body.count - 1
    guard each >= least, bytes > 0, bytes % each == 0 else { throw .items(opcode: opcode, each: each, bytes: bytes) }
    return stride(from: 1, to: body.count, by: each).map { Array(body[$0..<$0 + each]) }
  }

  /// As it travels. Lists must be of items of one length, as their packet can carry no other.
  package var packet: [UInt8] {
    func words(_ words: UInt16...) -> [UInt8] { words.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] } }
    let body: [UInt8] =
      switch self {
      case .error(let request, let handle, let code): [request] + words(handle) + [code.byte]
      case .mtuRequest(let mtu), .mtuResponse(let mtu): words(mtu)
      case .findInformation(let range): words(range.lowerBound, range.upperBound)
      case .information(let items):
        if items.contains(where: { $0.type.short == nil }) {
          [2] + items.flatMap { words($0.handle) + $0.type.bytes }
        } else {
          [1] + items.flatMap { words($0.handle) + $0.type.wire }
        }
      case .readByType(let range, let type), .readByGroupType(let range, let type):
        words(range.lowerBound, range.upperBound) + type.wire
      case .byType(let items):
        [UInt8(clamping: 2 + (items.first?.value.count ?? 0))] + items.flatMap { words($0.handle) + $0.value }
      case .byGroupType(let items):
        [UInt8(clamping: 4 + (items.first?.value.count ?? 0))] + items.flatMap { words($0.handle, $0.end) + $0.value }
      case .writeRequest(let handle, let value), .writeCommand(let handle, let value), .notification(let handle, let value),
        .indication(let handle, let value):
        words(handle) + value
      case .writeResponse, .confirmation: []
      case .unknown(_, let parameters): parameters
      }
    return [opcode] + body
  }
}

extension [UInt8] {
  /// The 16 bits at an offset that is known to be within.
  func word(at offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }
}
