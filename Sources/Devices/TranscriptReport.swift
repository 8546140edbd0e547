package import Readings

/// What a transcript says, by the same assembly, checks and pages as a poll: nothing in it was asked of anybody.
package struct TranscriptReport: Equatable, Sendable {
  /// One unit that answered.
  package struct Device: Equatable, Sendable {
    package var unit: UInt8
    /// `nil`: nothing tells it.
    package var profile: String?
    /// How the profile was told, where it was not given.
    package var confidence: Confidence?
    package var decoding: Decoding
  }

  /// Bytes that are no reply.
  package struct Refused: Equatable, Sendable, Codable {
    /// Where they begin.
    package var line: Int
    package var fault: String
    package var message: String
  }

  package struct Exception: Equatable, Sendable, Codable {
    package var line: Int
    package var unit: UInt8
    package var register: UInt16
    package var words: UInt16
    package var code: UInt8
  }

  package struct Unanswered: Equatable, Sendable, Codable {
    /// Of the request.
    package var line: Int
    package var unit: UInt8
    package var register: UInt16
    package var words: UInt16
  }

  /// What the caller says of the file; it comes before what the file says of itself.
  package struct Given: Equatable, Sendable {
    package var profile: String?
    package var name: String?
    package var model: String?

    package init(profile: String? = nil, name: String? = nil, model: String? = nil) {
      self.profile = profile
      self.name = name
      self.model = model
    }
  }

  package var devices: [Device] = []
  package var refused: [Refused] = []
  package var exceptions: [Exception] = []
  package var unanswered: [Unanswered] = []
  /// Frames whose checks all held; exceptions are among them.
  package var good = 0
  /// For people: what was passed over, and why.
  package var notices: [String] = []

  /// Notices that are told one by one.
  private static let mostNotices = 20

  private let given: Given
  private let head: TranscriptHead?
  private var name: String? { given.name ?? head?.name }

  package init(_ transcript: Transcript, _ given: Given) {
    self.given = given
    head = transcript.head
    if profile(of: 0).name == Profile.shunt300.name {
      listen(to: transcript)
    } else {
      read(transcript.conversation)
    }
    if transcript.isCut { notices.append("the last line is cut off, and not read") }
    if notices.count > Self.mostNotices {
      let more = notices.count - Self.mostNotices
      notices = notices.prefix(Self.mostNotices) + ["and \(more) more like these"]
    }
  }

  // MARK: - Questions and answers

  private mutating func read(_ conversation: Transcript.Conversation) {
    var answers: [UInt8: Answers] = [:]
    for line in conversation.unasked { refuse(line, "unasked", "\(line.bytes.count) bytes came, and nothing was asked") }
    for line in conversation.stray { notices.append("line \(line.number): no Modbus request, passed over") }
    for exchange in conversation.exchanges {
      switch exchange.request {
      case .other(let function):
        notices.append(
          "line \(exchange.sent.number): function \(function) does not read registers; it and its answer are passed over")
      case .read(let request, let isSound):
        if !isSound {
          notices.append("line \(exchange.sent.number): the request's own checksum is wrong; it is used all the same")
        }
        conclude(exchange, request, &answers)
      }
    }
    for (unit, answers) in answers.sorted(by: { $0.key < $1.key }) { devices.append(device(unit, answers)) }
  }

  private mutating func conclude(_ exchange: Exchange, _ request: ReadRequest, _ answers: inout [UInt8: Answers]) {
    var assembler = ReplyAssembler(request)
    var rest = exchange.received.filter { !$0.bytes.isEmpty }[...]
    guard let first = rest.first else {
      return unanswered.append(
        Unanswered(line: exchange.sent.number, unit: request.unit, register: request.register, words: request.words))
    }
    var reply: ModbusReply?
    do throws(ModbusReply.Fault) {
      while reply == nil, let chunk = rest.popFirst() { reply = try assembler.append(chunk.bytes) }
      if reply == nil { reply = try assembler.conclude().get() }
    } catch {
      let what = "unit \(request.unit), registers \(request.register)/\(request.words)"
      return refuse(first, error.name, "\(what): \(error)")
    }
    good += 1
    switch reply {
    case .registers(let unit, let words): answers[unit, default: Answers()].note(request.register, words)
    case .exception(let unit, let code):
      exceptions.append(
        Exception(line: first.number, unit: unit, register: request.register, words: request.words, code: code))
    case nil: break
    }
    // A poll drops it before it asks for more.
    for line in rest { refuse(line, "unasked", "\(line.bytes.count) bytes came after the reply was whole") }
  }

  private mutating func refuse(_ line: Transcript.Line, _ fault: String, _ message: String) {
    refused.append(Refused(line: line.number, fault: fault, message: message))
  }

  // MARK: - What is pushed

  private mutating func listen(to transcript: Transcript) {
    var stream = ShuntStream()
    var latest: ShuntFrame?
    var last: Transcript.Line?
    for line in transcript.lines where line.direction == .rx {
      last = line
      switch stream.append(line.bytes) {
      case .success(let frame):
        good += 1
        latest = frame
      case .failure(let fault): refuse(line, fault.name, "\(fault)")
      case nil: break
      }
    }
    let sent = transcript.lines.count { $0.direction == .tx }
    if sent > 0 { notices.append("this profile is listened to only; \(sent) frames that were sent are passed over") }
    // Where the only one was cut by whoever recorded it, what it holds is worth more than nothing.
    if latest == nil, let cut = try? ShuntFrame(stream.rest, isCut: true) {
      good += 1
      latest = cut
      notices.append("the only frame is cut off after \(stream.rest.count) bytes; what it holds is shown")
    } else if let last, stream.rest.starts(with: ShuntFrame.header) {
      let fault = ShuntFrame.Fault.truncated(got: stream.rest.count)
      refuse(last, fault.name, "\(fault)")
    }
    if let latest {
      devices.append(
        Device(
          unit: 0, profile: Profile.shunt300.name, confidence: profile(of: 0).confidence,
          decoding: latest.decode(.shunt300)))
    }
  }

  // MARK: - Which page

  private func device(_ unit: UInt8, _ answers: Answers) -> Device {
    var told = profile(of: unit)
    let model = given.model ?? head?.device(unit)?.model ?? head?.model
    if told.name == nil, let identity = Identity(answers) { told = (identity.profile, identity.confidence) }
    guard let profile = told.name.flatMap(Profile.named) else {
      return Device(unit: unit, profile: nil, confidence: nil, decoding: Decoding(model: model))
    }
    return Device(
      unit: unit, profile: profile.name, confidence: told.confidence,
      decoding: profile.decode(answers, name: name, model: model))
  }

  /// Without the registers: `nil` where only they can tell.
  private func profile(of unit: UInt8) -> (name: String?, confidence: Confidence?) {
    let said = given.profile ?? head?.device(unit)?.profile ?? head?.profile ?? Profile.automatic
    if said != Profile.automatic { return (said, nil) }
    guard let told = name.flatMap({ AdvertisedName($0).profile }) else { return (nil, nil) }
    return (told, .name)
  }
}

extension ShuntFrame.Fault {
  /// A word for programs.
  fileprivate var name: String {
    switch self {
    case .truncated: "truncated"
    case .layout: "layout"
    }
  }
}

extension Identity {
  private enum Nowhere: Link {
    func send(_ frame: [UInt8]) {}
    func receive(until deadline: ContinuousClock.Instant) -> [UInt8]? { nil }
  }

  /// By which registers answered: the rules of `Identification`, over what somebody else asked for.
  fileprivate init?(_ answers: Answers) {
    func text(_ register: UInt16) -> String? {
      guard let words = answers.words(register, count: 8),
        case .text(let text) = Coding.text(words: 8).decode(Array(words), variant: nil)
      else { return nil }
      return text
    }
    func has(_ registers: Range<UInt16>...) -> Bool {
      answers.runs.contains { run in registers.contains { $0.contains(run.register) } }
    }
    if has(0x0A..<0x1C, 0x0100..<0x0123, 0xE001..<0xE200, 0xF000..<0xF400) {
      let told = Identification<Nowhere>.controller(text(12))
      self.init(profile: told.profile, confidence: told.confidence)
    } else if has(5000..<5300) {
      self.init(profile: "battery", confidence: text(5122) == nil ? .guess : .model)
    } else if has(4000..<4600) {
      self.init(profile: "inverter", confidence: text(4311) == nil ? .guess : .model)
    } else {
      return nil
    }
  }
}

// MARK: - JSON

extension TranscriptReport: Encodable {
  private enum Key: String, CodingKey { case devices, refused, exceptions, unanswered, frames, notices }
  private enum Frames: String, CodingKey { case good, refused }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(devices, forKey: .devices)
    try fields.encode(refused, forKey: .refused)
    try fields.encode(exceptions, forKey: .exceptions)
    try fields.encode(unanswered, forKey: .unanswered)
    try fields.encode(notices, forKey: .notices)
    var frames = fields.nestedContainer(keyedBy: Frames.self, forKey: .frames)
    try frames.encode(good, forKey: .good)
    try frames.encode(refused.count, forKey: .refused)
  }
}

extension TranscriptReport.Device: Encodable {
  private enum Key: String, CodingKey {
    case unit, profile, confidence, model, readings, implausible, derived, days
    case rawSign = "raw_sign"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(unit, forKey: .unit)
    try fields.encode(profile, forKey: .profile)
    try fields.encode(confidence, forKey: .confidence)
    try fields.encode(decoding.model, forKey: .model)
    try fields.encode(decoding.readings, forKey: .readings)
    try fields.encode(decoding.implausible.sorted(), forKey: .implausible)
    try fields.encode(decoding.rawSign.sorted(), forKey: .rawSign)
    try fields.encode(decoding.derived.sorted(), forKey: .derived)
    try fields.encode(decoding.days, forKey: .days)
  }
}
