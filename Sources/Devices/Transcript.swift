import Readings

/// What was said on one module's serial line: one line for each write or notification, as it went by (`protocol/transcript.md`).
package struct Transcript: Equatable, Sendable {
  package static let version = 1
  /// What a person's mistake can be, and a vendor's log: far beyond what a poll says.
  package static let maxLines = 100_000
  package static let maxBytes = 67_108_864
  /// The longest value of an attribute.
  package static let maxFrameBytes = 512

  package enum Direction: String, Codable, Sendable {
    /// To the module.
    case tx
    case rx
  }

  package struct Line: Equatable, Sendable {
    package var time: Duration
    package var direction: Direction
    package var bytes: [UInt8]
    /// In the file, from 1; 0 where it stands in none.
    package var number: Int

    package init(at time: Duration, _ direction: Direction, _ bytes: [UInt8], number: Int = 0) {
      self.time = time
      self.direction = direction
      self.bytes = bytes
      self.number = number
    }
  }

  /// Why a file is no transcript, and where.
  package struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    package var line: Int
    package var text: String

    package init(line: Int, text: String) {
      self.line = line
      self.text = text
    }

    package var description: String { "line \(line): \(text)" }
  }

  /// `nil`: the file begins with a frame.
  package var head: TranscriptHead?
  package var lines: [Line]
  /// The last line was begun, and not finished.
  package var isCut = false

  package init(head: TranscriptHead?, lines: [Line]) {
    self.head = head
    self.lines = lines
  }

  /// Reads a whole file. Bounded in every direction; a fault names its line.
  package init(parsing bytes: some Collection<UInt8>) throws(Fault) {
    self.init(head: nil, lines: [])
    var splitter = LineSplitter(maxLine: Wire.maxLineBytes, maxTotal: Self.maxBytes)
    var number = 0
    var fault: Fault?
    do {
      try splitter.feed(bytes) { line in
        number += 1
        guard fault == nil else { return }
        do throws(Fault) { try take(line, number) } catch { fault = error }
      }
    } catch {
      if let fault { throw fault }
      switch error {
      case .line(let limit): throw Fault(line: number + 1, text: "it is longer than \(limit) bytes")
      case .total(let limit): throw Fault(line: number + 1, text: "the file is longer than \(limit) bytes")
      }
    }
    if let fault { throw fault }
    let rest = splitter.remainder
    guard !Self.isBlank(rest) else { return }
    do throws(Fault) { try take(rest, number + 1) } catch {
      // Half a line at the end: who wrote it was ended there.
      guard !lines.isEmpty || head != nil, rest.last != UInt8(ascii: "}") else { throw error }
      isCut = true
    }
  }

  private static func isBlank(_ line: [UInt8]) -> Bool { line.allSatisfy { [0x20, 0x09, 0x0D].contains($0) } }

  private mutating func take(_ line: [UInt8], _ number: Int) throws(Fault) {
    guard !Self.isBlank(line) else { return }
    guard number <= Self.maxLines else { throw Fault(line: number, text: "there are more than \(Self.maxLines) lines") }
    // A mark that some editors put before a file's first byte.
    let text = number == 1 && line.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(line.dropFirst(3)) : line
    let raw: RawLine
    do { raw = try Wire.decode(RawLine.self, from: text) } catch {
      let why = Printable.text(Wire.explain(error), maxBytes: 200)
      throw Fault(line: number, text: "it is no line of a transcript: \(why)")
    }
    switch raw {
    case .head(let head):
      guard lines.isEmpty, self.head == nil else {
        throw Fault(line: number, text: "only the first line can say what the file is")
      }
      self.head = head
    case .frame(let time, let direction, let bytes):
      lines.append(Line(at: time, direction, bytes, number: number))
    }
  }
}

// MARK: - JSON

extension Transcript.Line: Encodable {
  fileprivate enum Key: String, CodingKey {
    case time = "t_ms"
    case direction = "dir"
    case hex
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(time.milliseconds, forKey: .time)
    try fields.encode(direction, forKey: .direction)
    try fields.encode(Self.hex(bytes), forKey: .hex)
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

private enum RawLine: Decodable {
  case head(TranscriptHead)
  case frame(Duration, Transcript.Direction, [UInt8])

  private enum Key: String, CodingKey { case transcript }

  init(from decoder: any Decoder) throws {
    if try decoder.container(keyedBy: Key.self).contains(.transcript) {
      self = .head(try TranscriptHead(from: decoder))
      return
    }
    let fields = try decoder.container(keyedBy: Transcript.Line.Key.self)
    let time = try fields.decode(UInt32.self, forKey: .time)
    let word = try fields.decode(String.self, forKey: .direction)
    guard let direction = Transcript.Direction(rawValue: word) else {
      throw DecodingError.dataCorruptedError(
        forKey: .direction, in: fields, debugDescription: "'\(word.prefix(20))' is not tx or rx")
    }
    guard let bytes = Self.bytes(try fields.decode(String.self, forKey: .hex)) else {
      throw DecodingError.dataCorruptedError(
        forKey: .hex, in: fields,
        debugDescription: "not hexadecimal pairs, or more than \(Transcript.maxFrameBytes) bytes of them")
    }
    self = .frame(.milliseconds(Int64(time)), direction, bytes)
  }

  /// Spaces may stand between pairs: people paste.
  private static func bytes(_ hex: String) -> [UInt8]? {
    let digits = hex.utf8.filter { $0 != UInt8(ascii: " ") }
    guard digits.count % 2 == 0, digits.count <= Transcript.maxFrameBytes * 2 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
