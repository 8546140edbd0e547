/// FNV-1a, 64 bits: SQLite checks how its pages hang together, not what they say. Every changed byte changes it.
struct Checksum {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func take(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
}
