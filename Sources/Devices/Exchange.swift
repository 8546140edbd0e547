/// One request of a transcript with all that came before the next one.
package struct Exchange: Equatable, Sendable {
  /// What a frame that was sent is.
  package enum Request: Equatable, Sendable {
    case read(ReadRequest, isSound: Bool)
    /// A write, a reset or whatever else is no read: not ours to decode.
    case other(function: UInt8)

    /// `nil`: no Modbus request at all.
    package init?(_ frame: [UInt8]) {
      guard frame.count >= 4 else { return nil }
      let crc = CRC16.modbus(frame.dropLast(2))
      let isSound = frame.suffix(2) == [UInt8(crc & 0xFF), UInt8(crc >> 8)]
      let function = frame[1]
      if function == ReadRequest.function, frame.count == 8 {
        let register = UInt16(frame[2]) << 8 | UInt16(frame[3])
        let words = UInt16(frame[4]) << 8 | UInt16(frame[5])
        if (1...125).contains(words) {
          self = .read(ReadRequest(unit: frame[0], register: register, words: words), isSound: isSound)
          return
        }
      }
      // Function 6 writes one register, and its frame is as long as a read's.
      guard isSound || (function == 6 && frame.count == 8) else { return nil }
      self = .other(function: function)
    }
  }

  package var sent: Transcript.Line
  package var request: Request
  package var received: [Transcript.Line] = []
}

extension Transcript {
  /// The file by requests.
  package struct Conversation: Equatable, Sendable {
    /// What came before anything was asked.
    package var unasked: [Line] = []
    package var exchanges: [Exchange] = []
    /// Frames that were sent and are no Modbus requests: some programs write a text for each notification, between the pieces of a
    /// reply.
    package var stray: [Line] = []
  }

  package var conversation: Conversation {
    var conversation = Conversation()
    for line in lines {
      switch line.direction {
      case .tx:
        if let request = Exchange.Request(line.bytes) {
          conversation.exchanges.append(Exchange(sent: line, request: request))
        } else {
          conversation.stray.append(line)
        }
      case .rx:
        if conversation.exchanges.isEmpty {
          conversation.unasked.append(line)
        } else {
          conversation.exchanges[conversation.exchanges.count - 1].received.append(line)
        }
      }
    }
    return conversation
  }
}
