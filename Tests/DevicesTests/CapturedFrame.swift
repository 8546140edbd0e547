import Foundation
import Readings
import Testing

/// One row of Tests/Frames/renogy-frames.json: a real or documented exchange, with where it came from.
struct CapturedFrame: Decodable, Sendable, CustomTestStringConvertible {
  enum Expected: Decodable, Sendable, Equatable {
    case number(Double)
    case text(String)
    case flag(Bool)
    case numbers([Double])
    case other

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        self = .flag(flag)
      } else if let numbers = try? container.decode([Double].self) {
        self = .numbers(numbers)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .other
      }
    }

    /// As a reading has it.
    var value: Reading.Value? {
      switch self {
      case .number(let number): .number(number)
      case .text(let text): .text(text)
      case .flag(let flag): .text(flag ? "on" : "off")
      case .numbers, .other: nil
      }
    }
  }

  var id: String
  var deviceType: String
  var origin: String
  var model: String?
  var requestHex: String?
  var responseHex: String?
  var crcOk: Bool?
  var byteCountMatchesRequest: Bool?
  var register: Int?
  var words: Int?
  var expected: [String: Expected]
  var derivedFragments20: [String]?

  var testDescription: String { id }

  /// A reply with a right checksum, of as many words as were asked for; or an exception with one.
  var isWhole: Bool { crcOk == true && byteCountMatchesRequest != false && mustReject == nil }
  var mustReject: String? { if case .text(let reason) = expected["must_reject"] { reason } else { nil } }

  var response: [UInt8]? { responseHex.map(bytes) }
  var request: [UInt8]? { requestHex.map(bytes) }

  static let all: [CapturedFrame] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Frames/renogy-frames.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode([CapturedFrame].self, from: Data(contentsOf: file))
    } catch {
      fatalError("Tests/Frames/renogy-frames.json cannot be read: \(error)")
    }
  }()

  static subscript(id: String) -> CapturedFrame {
    guard let frame = all.first(where: { $0.id == id }) else { fatalError("no frame \(id)") }
    return frame
  }
}

func bytes(_ hex: String) -> [UInt8] {
  let digits = Array(hex.utf8)
  return stride(from: 0, to: digits.count - 1, by: 2).map { index in
    UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
  }
}
