/// Modbus RTU function 3: read holding registers.
package struct ReadRequest: Equatable, Sendable {
  package static let function: UInt8 = 0x03
  /// The unit id that every single device answers; some answer it with their own id.
  package static let anyUnit: UInt8 = 255

  package var unit: UInt8
  package var register: UInt16
  /// At most 125 (the Modbus limit of a reply).
  package var words: UInt16

  package init(unit: UInt8, register: UInt16, words: UInt16) {
    self.unit = unit
    self.register = register
    self.words = words
  }

  /// The eight bytes to send.
  package var frame: [UInt8] {
    var bytes: [UInt8] = [
      unit, Self.function, UInt8(register >> 8), UInt8(register & 0xFF), UInt8(words >> 8), UInt8(words & 0xFF),
    ]
    let crc = CRC16.modbus(bytes)
    bytes += [UInt8(crc & 0xFF), UInt8(crc >> 8)]
    return bytes
  }

  /// Length of the reply that carries the registers.
  package var replyLength: Int { Int(words) * 2 + 5 }
}
