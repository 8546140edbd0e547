/// Where a module's serial line is in its attribute table: handles, which stay the same until its firmware changes.
///
/// Remembered from one poll to the next they save a discovery. They are never believed: whoever uses them asks first whether the
/// right attributes are still there.
package struct SerialHandles: Equatable, Sendable {
  /// The value that frames are written to; `nil`: the module is listened to only.
  package var write: UInt16?
  /// The value whose notifications bring the replies.
  package var notify: UInt16
  /// The descriptor behind it that turns them on.
  package var configuration: UInt16

  /// `nil` where they cannot be a serial line's: 0 is no handle, and the descriptor follows its value.
  package init?(write: UInt16?, notify: UInt16, configuration: UInt16) {
    guard write != 0, notify > 0, configuration > notify, write.map({ !(notify...configuration).contains($0) }) ?? true else {
      return nil
    }
    self.write = write
    self.notify = notify
    self.configuration = configuration
  }
}

/// An LE address is one of two kinds, and a connection must name it; the address itself does not tell.
package enum AddressType: String, Codable, CaseIterable, Sendable {
  case `public`
  case random
}

extension SerialHandles: Codable {
  private enum Key: String, CodingKey { case write, notify, configuration }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let handles = SerialHandles(
      write: try fields.decodeIfPresent(UInt16.self, forKey: .write), notify: try fields.decode(UInt16.self, forKey: .notify),
      configuration: try fields.decode(UInt16.self, forKey: .configuration))
    guard let handles else {
      throw DecodingError.dataCorruptedError(
        forKey: .configuration, in: fields, debugDescription: "these handles cannot be a serial line's")
    }
    self = handles
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encodeIfPresent(write, forKey: .write)
    try fields.encode(notify, forKey: .notify)
    try fields.encode(configuration, forKey: .configuration)
  }
}
