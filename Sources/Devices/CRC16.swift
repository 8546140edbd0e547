/// CRC-16/MODBUS: initial FFFF, polynomial A001 reflected; on the wire low byte first. Checked against every captured frame.
package enum CRC16 {
  package static func modbus(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var crc: UInt16 = 0xFFFF
    for byte in bytes {
      crc ^= UInt16(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xA001 : crc >> 1 }
    }
    return crc
  }
}
