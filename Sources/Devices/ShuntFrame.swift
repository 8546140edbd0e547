import Readings

/// A frame that a Smart Shunt 300 pushes. It has no checksum that anybody knows: what stands for one is its header and the tags that
/// stand before its values (f112; 4 bytes an element, the tag first).
package struct ShuntFrame: Equatable, Sendable {
  package static let length = 110
  /// What comes before byte 36 is all that a device of this kind must have.
  package static let neededLength = 36
  /// Of the live values; `42 57 01 0B` is history.
  package static let header: [UInt8] = [0x42, 0x57, 0x01, 0x19]
  /// The header's last byte in a frame of history.
  static let history: UInt8 = 0x0B
  /// By byte.
  private static let tags: [Int: UInt8] = [20: 0xA4, 24: 0xA6, 28: 0xA6, 32: 0xA7]

  package enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
    case truncated(got: Int)
    /// Not these bytes where the tags were seen.
    case layout(byte: Int, got: UInt8)

    package var description: String {
      switch self {
      case .truncated(let got): "only \(got) of \(ShuntFrame.length) bytes came"
      case .layout(let byte, let got): "byte \(byte) is \(got), which is not the layout that is known"
      }
    }
  }

  /// As long as it was whole: 110, or what was recorded of it.
  package let bytes: [UInt8]

  /// - Parameter bytes: from the header on.
  package init(_ bytes: some Collection<UInt8>, isCut: Bool = false) throws(Fault) {
    let bytes = Array(bytes.prefix(Self.length))
    guard bytes.count >= (isCut ? Self.neededLength : Self.length), bytes.starts(with: Self.header) else {
      throw .truncated(got: bytes.count)
    }
    for (byte, tag) in Self.tags.sorted(by: { $0.key < $1.key }) where bytes[byte] != tag {
      throw .layout(byte: byte, got: bytes[byte])
    }
    self.bytes = bytes
  }

  /// The frame's values by the profile's page.
  package func decode(_ profile: Profile) -> Decoding {
    var decoding = Decoding()
    for field in profile.fields {
      guard case .pushed(let byte, let count, let isSigned, let decimals) = field.coding, byte + count <= bytes.count else {
        continue
      }
      var raw = bytes[byte..<byte + count].reduce(0) { $0 << 8 | Int($1) }
      let sign = 1 << (count * 8 - 1)
      if isSigned, raw & sign != 0 {
        raw -= sign << 1
        // The lowest number there is: no probe.
        if raw == -sign { continue }
      }
      let value = Double(raw) / [1, 10, 100, 1000][decimals]
      guard field.plausible?.contains(value) ?? true else {
        decoding.implausible.append(field.key)
        continue
      }
      decoding.readings[field.key] = Reading(.number(value), unit: field.unit)
    }
    profile.derive(&decoding, Dictionary(profile.fields.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }))
    return decoding
  }
}
