/// A reply to one `ReadRequest`. Whoever holds one holds the proof: its unit, function, length and checksum were right.
package enum ModbusReply: Hashable, Sendable {
  case registers(unit: UInt8, [UInt16])
  /// The device refuses: 1 function, 2 address, 3 too many words, 4 failed, 5 checksum.
  case exception(unit: UInt8, code: UInt8)

  package static let exceptionLength = 5

  /// Why bytes are not the reply to a request.
  package enum Fault: Error, Equatable, Sendable {
    case nothing
    case truncated(got: Int, of: Int)
    case checksum
    case unit(got: UInt8, asked: UInt8)
    case function(got: UInt8)
    case byteCount(got: UInt8, asked: Int)
    case tooLong(Int)
  }

  /// What is wrong with all that came, where that is no reply. A byte count that is not the one asked for may be the device's own, or
  /// damage: where no checksum holds, it is damage.
  package static func diagnose(_ bytes: [UInt8], to request: ReadRequest) -> Fault {
    do throws(Fault) {
      _ = try parse(bytes[...], to: request)
      return .nothing
    } catch .byteCount(let got, let asked) {
      let ends = [Int(got) + 5, request.replyLength, bytes.count].filter { $0 <= bytes.count && $0 > 4 }
      return ends.contains { isSealed(bytes[..<$0]) } ? .byteCount(got: got, asked: asked) : .checksum
    } catch {
      return error
    }
  }

  private static func isSealed(_ bytes: ArraySlice<UInt8>) -> Bool {
    let crc = CRC16.modbus(bytes.dropLast(2))
    return bytes.suffix(2).elementsEqual([UInt8(crc & 0xFF), UInt8(crc >> 8)])
  }

  /// Checks that `bytes` begins with a whole reply to `request`.
  package static func parse(_ bytes: ArraySlice<UInt8>, to request: ReadRequest) throws(Fault) -> ModbusReply {
    let start = bytes.startIndex
    guard let unit = bytes.first else { throw .nothing }
    // Unit 0 is Modbus's broadcast: no device answers as it.
    guard unit == request.unit || (request.unit == ReadRequest.anyUnit && unit != 0) else {
      throw .unit(got: unit, asked: request.unit)
    }
    guard bytes.count >= 2 else { throw .truncated(got: 1, of: request.replyLength) }
    let isException = bytes[start + 1] == ReadRequest.function | 0x80
    guard isException || bytes[start + 1] == ReadRequest.function else { throw .function(got: bytes[start + 1]) }
    let length = isException ? exceptionLength : request.replyLength
    guard bytes.count >= 3 else { throw .truncated(got: bytes.count, of: length) }
    if !isException, Int(bytes[start + 2]) != Int(request.words) * 2 {
      throw .byteCount(got: bytes[start + 2], asked: Int(request.words) * 2)
    }
    guard bytes.count >= length else { throw .truncated(got: bytes.count, of: length) }
    let body = bytes[start..<start + length - 2]
    let crc = CRC16.modbus(body)
    guard bytes[start + length - 2] == UInt8(crc & 0xFF), bytes[start + length - 1] == UInt8(crc >> 8) else { throw .checksum }
    if isException { return .exception(unit: unit, code: bytes[start + 2]) }
    let data = body.dropFirst(3)
    let words = stride(from: data.startIndex, to: data.endIndex, by: 2).map { UInt16(data[$0]) << 8 | UInt16(data[$0 + 1]) }
    return .registers(unit: unit, words)
  }
}

extension ModbusReply.Fault {
  /// A word for programs.
  package var name: String {
    switch self {
    case .nothing: "nothing"
    case .truncated: "truncated"
    case .checksum: "checksum"
    case .unit: "unit"
    case .function: "function"
    case .byteCount: "byte_count"
    case .tooLong: "too_long"
    }
  }
}

extension ModbusReply.Fault: CustomStringConvertible {
  package var description: String {
    switch self {
    case .nothing: "nothing came"
    case .truncated(let got, let whole): "only \(got) of \(whole) bytes came"
    case .checksum: "the checksum (CRC) is wrong"
    case .unit(let got, let asked): "unit \(got) answered instead of \(asked)"
    case .function(let got): "function \(got) answered instead of \(ReadRequest.function)"
    case .byteCount(let got, let asked): "it carries \(got) bytes instead of \(asked)"
    case .tooLong(let count): "\(count) bytes came that hold no reply"
    }
  }
}
