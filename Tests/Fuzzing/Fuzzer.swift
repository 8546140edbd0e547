import Chance
import Devices
import Readings

/// What a module may send, by dice: sound frames, damaged ones, noise, in any pieces. What must be true of whatever is believed is
/// looked at by other code than the program's own.
package struct Fuzzer {
  /// Something that must not be.
  package struct Finding: Error, CustomStringConvertible {
    package var description: String
  }

  private var dice: Dice
  /// Streams that were sent, and those in which a frame was believed.
  package private(set) var streams = 0
  package private(set) var believed = 0
  /// Values that were given out.
  package private(set) var values = 0

  package init(seed: UInt64) { dice = Dice(seed: seed) }

  package mutating func round() throws(Finding) {
    streams += 1
    switch dice.roll(0...9) {
    case 0: try shunt()
    case 1: try words()
    default: try replies()
    }
  }

  // MARK: - Modbus

  private mutating func replies() throws(Finding) {
    let profile = Profile.all[dice.roll(0...3)]
    let block = profile.blocks[dice.roll(0...profile.blocks.count - 1)]
    let request = ReadRequest(
      unit: dice.roll(0...2) == 0 ? 255 : UInt8(dice.roll(1...254)), register: block.register, words: block.words)
    let stream = stream(for: request)
    let whole = assemble(request, [stream])
    let pieces = assemble(request, pieces(of: stream))
    guard whole == pieces else {
      throw Finding(description: "in one piece \(whole), in several \(pieces): \(request) \(stream)")
    }
    guard case .success(let reply) = whole else { return }
    believed += 1
    guard Self.holds(reply, request, in: stream) else {
      throw Finding(description: "\(reply) was believed, and does not stand in \(stream), asked \(request)")
    }
    if case .registers(let unit, let words) = reply {
      var answers = Answers()
      answers.note(request.register, words)
      _ = unit
      try check(profile.decode(answers, name: name(), model: model()), profile, answers)
    }
  }

  private mutating func stream(for request: ReadRequest) -> [UInt8] {
    var stream: [UInt8] = []
    for _ in 0..<dice.roll(1...3) {
      switch dice.roll(0...9) {
      case 0: stream += noise(dice.roll(0...60))
      case 1...4: stream += frame(for: request)
      case 5: stream += frame(for: ReadRequest(unit: request.unit, register: request.register, words: UInt16(dice.roll(1...125))))
      default: stream += damaged(frame(for: request))
      }
    }
    return Array(stream.prefix(ReplyAssembler.limit))
  }

  private mutating func frame(for request: ReadRequest) -> [UInt8] {
    let unit = request.unit == 255 && dice.roll(0...1) == 0 ? UInt8(dice.roll(0...255)) : request.unit
    if dice.roll(0...7) == 0 { return Self.sealed([unit, 0x83, UInt8(dice.roll(0...5))]) }
    return Self.sealed([unit, 3, UInt8(truncatingIfNeeded: request.words * 2)] + noise(Int(request.words) * 2))
  }

  private mutating func damaged(_ frame: [UInt8]) -> [UInt8] {
    var frame = frame
    for _ in 0..<dice.roll(1...3) where !frame.isEmpty {
      let index = dice.roll(0...frame.count - 1)
      switch dice.roll(0...4) {
      case 0: frame[index] ^= 1 << UInt8(dice.roll(0...7))
      case 1: frame[index] = UInt8(dice.roll(0...255))
      case 2: frame.remove(at: index)
      case 3: frame.insert(UInt8(dice.roll(0...255)), at: index)
      default: frame = Array(frame.prefix(index))
      }
    }
    return frame
  }

  private mutating func noise(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var index = 0
    while index < count {
      var bits = dice.next()
      for _ in 0..<min(8, count - index) {
        bytes[index] = UInt8(truncatingIfNeeded: bits)
        bits >>= 8
        index += 1
      }
    }
    // Values that mean something here and there.
    if count > 4, dice.roll(0...3) == 0 { bytes[dice.roll(0...count - 1)] = [0x00, 0xFF, 0x80, 0x03][dice.roll(0...3)] }
    return bytes
  }

  private mutating func pieces(of stream: [UInt8]) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = stream[...]
    let most = [1, 4, 20, 20, 244][dice.roll(0...4)]
    while !rest.isEmpty {
      let piece = rest.prefix(dice.roll(1...most))
      pieces.append(Array(piece))
      rest = rest.dropFirst(piece.count)
    }
    return pieces
  }

  private func assemble(_ request: ReadRequest, _ chunks: [[UInt8]]) -> Result<ModbusReply, ModbusReply.Fault> {
    var assembler = ReplyAssembler(request)
    do throws(ModbusReply.Fault) {
      for chunk in chunks { if let reply = try assembler.append(chunk) { return .success(reply) } }
      return assembler.conclude()
    } catch {
      return .failure(error)
    }
  }

  /// Whether these words, sealed for that question, stand somewhere in the stream.
  private static func holds(_ reply: ModbusReply, _ request: ReadRequest, in stream: [UInt8]) -> Bool {
    let frame: [UInt8]
    switch reply {
    case .registers(let unit, let words):
      guard unit == request.unit || request.unit == 255, unit != 0, words.count == Int(request.words) else { return false }
      frame = sealed([unit, 3, UInt8(words.count * 2)] + words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
    case .exception(let unit, let code):
      guard unit == request.unit || request.unit == 255, unit != 0 else { return false }
      frame = sealed([unit, 0x83, code])
    }
    guard stream.count >= frame.count else { return false }
    return (0...stream.count - frame.count).contains { stream[$0..<$0 + frame.count].elementsEqual(frame) }
  }

  private static let table: [UInt16] = (0..<256).map { index in
    (0..<8).reduce(UInt16(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xA001 : sum >> 1 }
  }

  private static func sealed(_ body: [UInt8]) -> [UInt8] {
    let sum = body.reduce(UInt16(0xFFFF)) { $0 >> 8 ^ table[Int(($0 ^ UInt16($1)) & 255)] }
    return body + [UInt8(sum & 255), UInt8(sum >> 8)]
  }

  // MARK: - A shunt's

  private mutating func shunt() throws(Finding) {
    var sound = [UInt8](repeating: 0, count: ShuntFrame.length)
    sound.replaceSubrange(0..<4, with: ShuntFrame.header)
    for index in 4..<sound.count { sound[index] = UInt8(dice.roll(0...255)) }
    for (byte, tag) in [(20, 0xA4), (24, 0xA6), (28, 0xA6), (32, 0xA7)] { sound[byte] = UInt8(tag) }
    var stream: [UInt8] = []
    for _ in 0..<dice.roll(1...3) {
      switch dice.roll(0...3) {
      case 0: stream += noise(dice.roll(0...120))
      case 1: stream += damaged(sound)
      default: stream += sound
      }
    }
    func frames(_ chunks: [[UInt8]]) throws(Finding) -> [ShuntFrame] {
      var parser = ShuntStream()
      var frames: [ShuntFrame] = []
      for chunk in chunks {
        if case .success(let frame) = parser.append(chunk) { frames.append(frame) }
        guard parser.rest.count <= ShuntStream.limit else {
          throw Finding(description: "\(parser.rest.count) bytes are kept")
        }
      }
      return frames
    }
    for frame in try frames(pieces(of: stream)) {
      believed += 1
      let bytes = frame.bytes
      let stands = stream.count >= 110 && (0...stream.count - 110).contains { stream[$0..<$0 + 110].elementsEqual(bytes) }
      guard stands, bytes.starts(with: [0x42, 0x57, 0x01, 0x19]), bytes[20] == 0xA4, bytes[24] == 0xA6 else {
        throw Finding(description: "a frame was believed that does not stand in \(stream)")
      }
      try check(frame.decode(.shunt300), .shunt300, nil)
    }
  }

  // MARK: - Values

  /// Any words at any of the page's registers.
  private mutating func words() throws(Finding) {
    let profile = Profile.all[dice.roll(0...3)]
    var answers = Answers()
    for block in profile.blocks where dice.roll(0...1) == 0 {
      let skew = UInt16(dice.roll(0...2))
      let count = max(1, Int(block.words) - dice.roll(0...3))
      let bytes = noise(count * 2)
      answers.note(block.register + skew, (0..<count).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) })
    }
    if let page = profile.dayPage {
      answers.note(page.first + UInt16(dice.roll(0...40)), (0..<10).map { _ in UInt16(dice.roll(0...65_535)) })
    }
    try check(profile.decode(answers, name: name(), model: model()), profile, answers)
  }

  private mutating func name() -> String? {
    [nil, "RNGRBP1", "RNGPRO1", "RNGC1", "BT-TH-1", "", "BTRIC1"][dice.roll(0...6)]
  }

  private mutating func model() -> String? { [nil, "RIV4835CSH1S", "RIV1230RCH-SPS", "?"][dice.roll(0...3)] }

  /// - Parameter answers: `nil`: not of registers.
  private mutating func check(_ decoding: Decoding, _ profile: Profile, _ answers: Answers?) throws(Finding) {
    for (key, reading) in decoding.readings {
      values += 1
      let fields = profile.fields.filter { $0.key == key }
      guard !fields.isEmpty else { throw Finding(description: "\(key) is not on the page of \(profile.name)") }
      switch reading.value {
      case .number(let number):
        let isPlausible = fields.contains { $0.plausible?.contains(number) ?? (number >= 0 && number <= 4_294_967_295) }
        guard isPlausible, reading.unit == fields[0].unit else {
          throw Finding(description: "\(profile.name): \(key) = \(number) \(reading.unit ?? "")")
        }
      case .text(let text):
        guard !text.isEmpty, text.utf8.count <= 255, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
          throw Finding(description: "\(profile.name): \(key) = '\(text)'")
        }
      }
      guard !decoding.implausible.contains(key) else { throw Finding(description: "\(key) is both given and refused") }
      // Nothing comes of registers that were not answered.
      if let answers, !decoding.derived.contains(key) {
        let isAnswered = fields.contains { field in
          field.register.map { answers.words($0, count: field.coding.words) != nil } ?? false
        }
        guard isAnswered else { throw Finding(description: "\(profile.name): nobody answered \(key)") }
      }
    }
    guard decoding.days.count <= Wire.maxDays else { throw Finding(description: "\(decoding.days.count) days") }
  }
}
