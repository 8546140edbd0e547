/// What an attribute is: a UUID of 128 bits. The short ones of 16 bits stand for places in the Bluetooth base UUID.
package struct AttributeType: Hashable, Sendable, CustomStringConvertible {
  /// 16 bytes, least significant first, as they travel.
  let bytes: [UInt8]

  /// 0000xxxx-0000-1000-8000-00805f9b34fb: `xxxx` at bytes 12 and 13.
  private static let base: [UInt8] = [0xfb, 0x34, 0x9b, 0x5f, 0x80, 0, 0, 0x80, 0, 0x10, 0, 0, 0, 0, 0, 0]

  package static let primaryService = AttributeType(0x2800)
  package static let secondaryService = AttributeType(0x2801)
  package static let characteristic = AttributeType(0x2803)
  /// The client characteristic configuration: where notifications are asked for.
  package static let configuration = AttributeType(0x2902)

  /// What a device calls itself, in its Generic Access service.
  package static let deviceName = AttributeType(0x2a00)

  package init(_ short: UInt16) {
    var bytes = Self.base
    bytes[12] = UInt8(short & 0xff)
    bytes[13] = UInt8(short >> 8)
    self.bytes = bytes
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// As it travels: 2 or 16 bytes. `nil` for any other number.
  package init?(wire: some Collection<UInt8>) {
    let wire = Array(wire)
    switch wire.count {
    case 2: self.init(UInt16(wire[0]) | UInt16(wire[1]) << 8)
    case 16: self.init(bytes: wire)
    default: return nil
    }
  }

  /// 36 characters with hyphens. `nil` where it is not a UUID.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
    let digits = parts.joined()
    var bytes: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
      guard rest.prefix(2).allSatisfy(\.isHexDigit), let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
      bytes.append(byte)
      rest = rest.dropFirst(2)
    }
    guard bytes.count == 16 else { return nil }
    self.init(bytes: bytes.reversed())
  }

  /// Its 16-bit form, where it has one.
  package var short: UInt16? {
    let value = UInt16(bytes[12]) | UInt16(bytes[13]) << 8
    return self == AttributeType(value) ? value : nil
  }

  /// 2 bytes where there is a short form, else 16.
  package var wire: [UInt8] { short.map { [UInt8($0 & 0xff), UInt8($0 >> 8)] } ?? bytes }

  package var description: String {
    let digits = bytes.reversed().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
    if let short { return String(short, radix: 16) }
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
  }
}
