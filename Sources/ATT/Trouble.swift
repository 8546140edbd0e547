package import Readings

/// Why a client gave its peer up. Each is one sentence and one failure.
package enum Trouble: Error, Equatable, Sendable {
  case malformed(PDU.Malformed)
  /// A packet of that many bytes over what was agreed on.
  case tooLong(Int, mtu: UInt16)
  /// A listing that repeats itself, goes back, or leaves its range, at that handle: it would never end.
  case backwards(String, UInt16)
  /// An entry of a listing that is none.
  case strange(String, UInt16)
  /// More of these than any module has.
  case tooMany(String, Int)
  case tooManyStrays(Int)
  case refused(String, ErrorCode)
  case wantsPairing(ErrorCode)
  case noSerialLine([Client.SerialLine])
  case noConfiguration
  // Ours
  case notListening
  case listenedToOnly
  case frameTooLong(Int, mtu: UInt16)

  /// As a failure of that stage, about the module at that address.
  package func report(at stage: Stage, about address: Address) -> FailureReport {
    FailureReport(failure(at: stage), at: stage, sentence(about: address))
  }

  private func failure(at stage: Stage) -> Failure {
    switch self {
    case .wantsPairing: .pairingRequired
    case .noSerialLine, .noConfiguration: .wrongProfile
    // A peer that breaks the protocol is given up, and what it broke off tells what is missing.
    case .malformed, .tooLong, .backwards, .strange, .tooMany, .tooManyStrays, .refused, .notListening, .listenedToOnly,
      .frameTooLong:
      switch stage {
      case .services: .servicesUnresolved
      case .subscribe: .notifyRefused
      case .read: .badFrames
      case .start, .lock, .bus, .release, .scan, .connect, .disconnect: .connectFailed
      }
    }
  }

  private func sentence(about address: Address) -> String {
    func handle(_ handle: UInt16) -> String { "handle 0x" + String(handle, radix: 16) }
    return switch self {
    case .malformed(let what): "\(address) broke the attribute protocol: \(what)."
    case .tooLong(let bytes, let mtu): "\(address) sent a packet of \(bytes) bytes where \(mtu) were agreed on."
    case .backwards(let what, let at): "\(address) lists its \(what) out of order or out of range, at \(handle(at))."
    case .strange(let what, let at): "\(address) lists a \(what) that is none, at \(handle(at))."
    case .tooMany(let what, let most): "\(address) took more than \(most) \(what) to say what it has."
    case .tooManyStrays(let count): "\(address) sent \(count) packets that answer nothing."
    case .refused(let what, let code): "\(address) refuses \(what): \(code)."
    case .wantsPairing(let code): "\(address) refuses without pairing: \(code). `link: bluez` carries modules that are paired."
    case .noSerialLine(let lines):
      "\(address) has no Renogy serial service (\(lines.map(\.description).joined(separator: "; or ")))."
    case .noConfiguration: "\(address) has a serial service, but nothing to enable its notifications by (no descriptor 2902)."
    case .notListening: "A frame for \(address) was to be sent before its notifications were enabled."
    case .listenedToOnly: "A frame for \(address) was to be sent, which is listened to only."
    case .frameTooLong(let bytes, let mtu): "A frame of \(bytes) bytes does not fit a packet to \(address), which takes \(mtu)."
    }
  }
}

extension PDU.Malformed: CustomStringConvertible {
  package var description: String {
    func hex(_ byte: UInt8) -> String { "0x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }
    return switch self {
    case .empty: "an empty packet"
    case .length(let opcode, let bytes): "a packet \(hex(opcode)) of \(bytes) bytes"
    case .format(let format): "types in a format \(hex(format))"
    case .items(let opcode, let each, let bytes): "a packet \(hex(opcode)) with \(bytes) bytes of items of \(each)"
    case .range(let opcode): "a packet \(hex(opcode)) about a range that is none"
    }
  }
}

extension Client.SerialLine: CustomStringConvertible {
  /// `ffd1 in ffd0, fff1 in fff0`.
  package var description: String {
    let written = write.map { "\($0)\(writeService.map { " in \($0)" } ?? ""), " } ?? ""
    return "\(written)\(notify) in \(notifyService)"
  }
}
