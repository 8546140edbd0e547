import FoundationEssentials

/// What a supervisor asks of one worker: the one line on its standard input.
package struct Request: Equatable, Sendable {
  package enum Job: Equatable, Sendable {
    case poll(PollJob)
    /// What is nearby, for `duration`; one `seen` line a device.
    case scan(duration: Duration, adapter: String?)
    /// Free a link that a killed worker left.
    case release(Module)
    /// What can be said of bus, bluetoothd and adapters.
    case probe
    /// Power-cycle an adapter (`nil`: the only one there is). Every link on it falls.
    case resetAdapter(adapter: String?)
    /// Connect to a module and ask who answers behind it; one `found` line a device. A poll without devices.
    case identify(PollJob)
  }

  /// Every line of the answer carries it.
  package var poll: String
  /// The supervisor's process id: a worker whose parent is another one by now was orphaned before it could ask for the signal.
  package var parent: Int32?
  /// A new file for what goes by on the module's serial line, by its absolute path.
  package var transcript: String?
  /// Launch to exit, everything included.
  package var deadline: Duration
  package var job: Job

  package init(poll: String, parent: Int32? = nil, transcript: String? = nil, deadline: Duration, job: Job) {
    self.poll = poll
    self.parent = parent
    self.transcript = transcript
    self.deadline = deadline
    self.job = job
  }

  /// What `deadline` may be. The shortest leaves one second for the radio beside the three for cleaning up.
  package static let deadlines = Duration.seconds(4)...Duration.seconds(120)

  /// The shortest for a reset: one that is cut short would leave the adapter off.
  package static let shortestReset = Duration.seconds(10)
}

/// One BLE address and the adapter to reach it by (`nil`: any).
package struct Module: Equatable, Sendable {
  package var address: Address
  package var adapter: String?
  /// As it advertises itself, where that is known: how some registers are coded depends on it.
  package var name: String?

  package init(address: Address, adapter: String? = nil, name: String? = nil) {
    self.address = address
    self.adapter = adapter
    self.name = name
  }
}

package struct PollJob: Equatable, Sendable {
  package var module: Module
  package var devices: [DeviceRequest]
  /// Connection tries within this poll.
  package var attempts: Int
  /// The pause before the second try; it doubles.
  package var retryDelay: Duration
  package var link: LinkChoice
  /// What an earlier poll found out about the module.
  package var learned: Learned?
  /// What bluetoothd remembers of the module (its object, its GATT cache) is dropped first, and the module is looked for anew.
  package var forgets: Bool
  /// A link to the module that stands and is not ours is left alone: the poll fails as `busy`.
  package var yields: Bool

  package init(
    module: Module, devices: [DeviceRequest], attempts: Int = 2, retryDelay: Duration = .seconds(2), link: LinkChoice = .auto,
    learned: Learned? = nil, forgets: Bool = false, yields: Bool = false
  ) {
    self.module = module
    self.devices = devices
    self.attempts = attempts
    self.retryDelay = retryDelay
    self.link = link
    self.learned = learned
    self.forgets = forgets
    self.yields = yields
  }
}

/// One device behind the module.
package struct DeviceRequest: Equatable, Sendable {
  /// Names the device in the answer; unique within a request.
  package var name: String
  package var profile: String
  /// Modbus unit id; `nil`: the profile's default, then its family's other one.
  package var unit: UInt8?
  /// The model as last read, where known: some signs depend on it.
  package var model: String?
  /// Optional blocks not to ask for, as `register/words`: known to be unsupported or silent.
  package var skip: [String]
  /// What a device whose profile is `auto` was found to be by an earlier poll.
  package var identity: Identity?
  /// How many days of the device's own record are wanted, today's included.
  package var days: Int

  package init(
    name: String, profile: String, unit: UInt8? = nil, model: String? = nil, skip: [String] = [], identity: Identity? = nil,
    days: Int = 0
  ) {
    self.identity = identity
    self.days = days
    self.name = name
    self.profile = profile
    self.unit = unit
    self.model = model
    self.skip = skip
  }
}

// MARK: - JSON

extension Request: Codable {
  private enum Key: String, CodingKey {
    case v, job, poll, parent, transcript, module, devices, attempts, adapter, link, learned, forget, yield
    case deadline = "deadline_s"
    case retryDelay = "retry_delay_s"
    case duration = "for_s"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    func invalid(_ key: Key, _ text: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: fields, debugDescription: text)
    }
    func seconds(_ key: Key, _ range: ClosedRange<Duration>, default standard: Duration? = nil) throws -> Duration {
      guard let number = try fields.decodeIfPresent(Double.self, forKey: key) else {
        guard let standard else { throw DecodingError.keyNotFound(key, .init(codingPath: [], debugDescription: "")) }
        return standard
      }
      // Rounded: 1.001 * 1000 is 1000.9999999999999.
      guard number >= 0, number < 1e6, range.contains(.milliseconds(Int64((number * 1000).rounded()))) else {
        throw invalid(key, "\(number) is not within \(range.lowerBound.seconds) to \(range.upperBound.seconds) seconds")
      }
      return .milliseconds(Int64((number * 1000).rounded()))
    }

    poll = try fields.decode(String.self, forKey: .poll)
    guard (1...64).contains(poll.utf8.count) else { throw invalid(.poll, "a poll id has 1 to 64 bytes") }
    parent = try fields.decodeIfPresent(Int32.self, forKey: .parent)
    if let parent, parent < 1 { throw invalid(.parent, "\(parent) is not a process id") }
    transcript = try fields.decodeIfPresent(String.self, forKey: .transcript)
    if let transcript, !transcript.hasPrefix("/") || transcript.utf8.count > 1024 || transcript.utf8.contains(0) {
      throw invalid(.transcript, "an absolute path has a / first and at most 1024 bytes")
    }
    deadline = try seconds(.deadline, Request.deadlines)

    func session(_ devices: [DeviceRequest]) throws -> PollJob {
      let attempts = try fields.decodeIfPresent(Int.self, forKey: .attempts) ?? 2
      guard (1...5).contains(attempts) else { throw invalid(.attempts, "\(attempts) is not within 1 to 5") }
      return PollJob(
        module: try fields.decode(Module.self, forKey: .module), devices: devices, attempts: attempts,
        retryDelay: try seconds(.retryDelay, .zero ... .seconds(30), default: .seconds(2)),
        link: try fields.decodeIfPresent(LinkChoice.self, forKey: .link) ?? .auto,
        learned: try fields.decodeIfPresent(Learned.self, forKey: .learned),
        forgets: try fields.decodeIfPresent(Bool.self, forKey: .forget) ?? false,
        yields: try fields.decodeIfPresent(Bool.self, forKey: .yield) ?? false)
    }

    let name = try fields.decode(String.self, forKey: .job)
    switch name {
    case "poll":
      let devices = try fields.decode([DeviceRequest].self, forKey: .devices)
      guard (1...Wire.maxDevices).contains(devices.count) else {
        throw invalid(.devices, "\(devices.count) devices; 1 to \(Wire.maxDevices) are allowed")
      }
      guard Set(devices.map(\.name)).count == devices.count else { throw invalid(.devices, "two devices share a name") }
      // Anybody may answer unit 255: behind a hub it would be the neighbour.
      let units = devices.map { $0.unit ?? 255 }
      guard devices.count == 1 || (!units.contains(255) && Set(units).count == units.count) else {
        throw invalid(.devices, "of several devices each names a unit of its own, 1 to 254")
      }
      job = .poll(try session(devices))
    case "identify": job = .identify(try session([]))
    case "scan":
      job = .scan(
        duration: try seconds(.duration, .seconds(1)...deadline, default: min(.seconds(10), deadline)),
        adapter: try Module.adapter(in: fields, forKey: .adapter))
    case "release": job = .release(try fields.decode(Module.self, forKey: .module))
    case "probe": job = .probe
    case "reset-adapter":
      guard deadline >= Request.shortestReset else {
        throw invalid(.deadline, "a reset takes \(Request.shortestReset.seconds) seconds or more")
      }
      job = .resetAdapter(adapter: try Module.adapter(in: fields, forKey: .adapter))
    default: throw invalid(.job, "there is no job '\(name.prefix(40))'")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(Wire.version, forKey: .v)
    try fields.encode(poll, forKey: .poll)
    try fields.encodeIfPresent(parent, forKey: .parent)
    try fields.encodeIfPresent(transcript, forKey: .transcript)
    try fields.encode(deadline.seconds, forKey: .deadline)
    switch job {
    case .poll(let poll), .identify(let poll):
      let isPoll = if case .poll = job { true } else { false }
      try fields.encode(isPoll ? "poll" : "identify", forKey: .job)
      try fields.encode(poll.module, forKey: .module)
      if isPoll { try fields.encode(poll.devices, forKey: .devices) }
      try fields.encode(poll.attempts, forKey: .attempts)
      try fields.encode(poll.retryDelay.seconds, forKey: .retryDelay)
      if poll.link != .auto { try fields.encode(poll.link, forKey: .link) }
      try fields.encodeIfPresent(poll.learned, forKey: .learned)
      if poll.forgets { try fields.encode(true, forKey: .forget) }
      if poll.yields { try fields.encode(true, forKey: .yield) }
    case .scan(let duration, let adapter):
      try fields.encode("scan", forKey: .job)
      try fields.encode(duration.seconds, forKey: .duration)
      try fields.encodeIfPresent(adapter, forKey: .adapter)
    case .release(let module):
      try fields.encode("release", forKey: .job)
      try fields.encode(module, forKey: .module)
    case .probe: try fields.encode("probe", forKey: .job)
    case .resetAdapter(let adapter):
      try fields.encode("reset-adapter", forKey: .job)
      try fields.encodeIfPresent(adapter, forKey: .adapter)
    }
  }

  /// The poll id of a line that may otherwise be wrong.
  package static func poll(of line: [UInt8]) -> String? {
    struct Head: Decodable { var poll: String }
    guard line.count <= Wire.maxLineBytes, let poll = (try? Wire.decode(Head.self, from: line))?.poll,
      (1...64).contains(poll.utf8.count)
    else { return nil }
    return poll
  }

  /// Reads a request line (without its newline); every way in which it can be wrong has a failure of its own.
  package static func parse(_ line: [UInt8]) throws(FailureReport) -> Request {
    // One thing at a time: another version may have no `job`, and an unknown job need not have our fields.
    struct Version: Decodable { var v: Int }
    struct Name: Decodable { var job: String }
    guard line.count <= Wire.maxLineBytes else {
      throw FailureReport(
        .requestTooLong, at: .start, "The request line has more than \(Wire.maxLineBytes) bytes.")
    }
    let version = try part(Version.self, of: line).v
    guard version == Wire.version else {
      throw FailureReport(
        .versionUnknown, at: .start, "The request is of protocol version \(version); this worker speaks version \(Wire.version).")
    }
    let job = try part(Name.self, of: line).job
    guard ["poll", "scan", "release", "probe", "reset-adapter", "identify"].contains(job) else {
      throw FailureReport(.jobUnknown, at: .start, "There is no job '\(job.prefix(40))'.")
    }
    return try part(Request.self, of: line)
  }

  private static func part<T: Decodable>(_ type: T.Type, of line: [UInt8]) throws(FailureReport) -> T {
    do {
      return try Wire.decode(type, from: line)
    } catch {
      throw FailureReport(.badRequest, at: .start, "The request line cannot be read: \(Wire.explain(error)).")
    }
  }
}

extension Module: Codable {
  private enum Key: String, CodingKey { case address, adapter, name }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    address = try fields.decode(Address.self, forKey: .address)
    adapter = try Self.adapter(in: fields, forKey: .adapter)
    name = try Self.name(in: fields, forKey: .name)
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(address, forKey: .address)
    try fields.encodeIfPresent(adapter, forKey: .adapter)
    try fields.encodeIfPresent(name, forKey: .name)
  }

  static func name<K>(in fields: KeyedDecodingContainer<K>, forKey key: K) throws -> String? {
    guard let name = try fields.decodeIfPresent(String.self, forKey: key) else { return nil }
    guard (1...Wire.maxNameBytes).contains(name.utf8.count) else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: fields, debugDescription: "an advertised name has 1 to \(Wire.maxNameBytes) bytes")
    }
    return name
  }

  /// The name becomes part of a D-Bus object path, which allows these characters only (libdbus ends the process otherwise).
  static func adapter<K>(in fields: KeyedDecodingContainer<K>, forKey key: K) throws -> String? {
    guard let name = try fields.decodeIfPresent(String.self, forKey: key) else { return nil }
    guard (1...16).contains(name.utf8.count), name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: fields, debugDescription: "'\(name.prefix(40))' is not an adapter's name like hci0")
    }
    return name
  }
}

extension DeviceRequest: Codable {
  private enum Key: String, CodingKey {
    case name, profile, unit, model, skip, days
    case identity = "identified"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    name = try fields.decode(String.self, forKey: .name)
    guard (1...Wire.maxNameBytes).contains(name.utf8.count) else {
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: fields, debugDescription: "a device's name has 1 to \(Wire.maxNameBytes) bytes")
    }
    profile = try fields.decode(String.self, forKey: .profile)
    unit = try fields.decodeIfPresent(UInt8.self, forKey: .unit)
    if unit == 0 {
      throw DecodingError.dataCorruptedError(
        forKey: .unit, in: fields, debugDescription: "unit 0 is Modbus broadcast, which nobody answers")
    }
    model = try fields.decodeIfPresent(String.self, forKey: .model)
    skip = try fields.decodeIfPresent([String].self, forKey: .skip) ?? []
    identity = try fields.decodeIfPresent(Identity.self, forKey: .identity)
    days = try fields.decodeIfPresent(Int.self, forKey: .days) ?? 0
    guard (0...Wire.maxDays).contains(days) else {
      throw DecodingError.dataCorruptedError(
        forKey: .days, in: fields, debugDescription: "\(days) days; at most \(Wire.maxDays) are kept by a device")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(profile, forKey: .profile)
    try fields.encodeIfPresent(unit, forKey: .unit)
    try fields.encodeIfPresent(model, forKey: .model)
    if !skip.isEmpty { try fields.encode(skip, forKey: .skip) }
    try fields.encodeIfPresent(identity, forKey: .identity)
    if days > 0 { try fields.encode(days, forKey: .days) }
  }
}
