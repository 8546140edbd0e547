/// The device behind a module: answers function 3 from its registers as a Modbus RTU slave does.
struct ModbusSlave: Sendable {
  let unit: UInt8
  let registers: Registers

  /// The answer to a request, without what the line may do to it.
  enum Answer: Equatable, Sendable {
    case frame([UInt8])
    /// A bad checksum, not for this unit, or registers that it keeps silent about: a slave says nothing.
    case silence
  }

  /// `speaksAs` is the id in the reply: devices asked at 255 answer with their own id or with 255.
  func answer(_ request: [UInt8], speaksAs id: UInt8, varied now: Duration?) -> Answer {
    guard Self.isWhole(request) else { return .silence }
    guard request[1] == 3, request.count == 8 else { return .frame(Self.exception(1, id: id, function: request[1])) }
    let register = UInt16(request[2]) << 8 | UInt16(request[3])
    let count = Int(request[4]) << 8 | Int(request[5])
    guard (1...125).contains(count) else { return .frame(Self.exception(3, id: id, function: 3)) }
    if registers.silences.contains(register) { return .silence }
    guard let words = registers.read(register, count: count, varied: now) else {
      return .frame(Self.exception(2, id: id, function: 3))
    }
    let data = words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    return .frame(Self.sealed([id, 3, UInt8(data.count)] + data))
  }

  static func exception(_ code: UInt8, id: UInt8, function: UInt8) -> [UInt8] { sealed([id, function | 0x80, code]) }

  /// Long enough to be a request, and its checksum is right.
  static func isWhole(_ frame: [UInt8]) -> Bool { frame.count >= 4 && sealed(frame.dropLast(2)) == frame }

  static func sealed(_ body: some Sequence<UInt8>) -> [UInt8] {
    let bytes = Array(body)
    let sum = crc(bytes)
    return bytes + [UInt8(sum & 0xff), UInt8(sum >> 8)]
  }

  // Not the reader's own: a mistake in one of the two must not be agreed to by the other.
  private static func crc(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt16 = 0xffff
    for byte in bytes {
      sum ^= UInt16(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xa001 : sum >> 1 }
    }
    return sum
  }
}
