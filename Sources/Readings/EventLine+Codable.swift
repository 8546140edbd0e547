import FoundationEssentials

extension EventLine: Codable {
  private enum Key: String, CodingKey {
    case v, poll, event, stage, attempt, by, device, failure
    case time = "t_ms"
  }

  /// A line of this protocol version with an `event` word that this reader does not know: to be passed over.
  package struct UnknownEvent: Error, Equatable, Sendable {
    package var word: String
  }

  /// A line of another protocol version.
  package struct OtherVersion: Error, Equatable, Sendable {
    package var version: Int
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let version = try fields.decode(Int.self, forKey: .v)
    guard version == Wire.version else { throw OtherVersion(version: version) }
    poll = try fields.decode(String.self, forKey: .poll)
    time = .milliseconds(try fields.decode(UInt32.self, forKey: .time))
    let word = try fields.decode(String.self, forKey: .event)
    switch word {
    case "stage":
      event = .stage(
        try fields.decode(Stage.self, forKey: .stage), attempt: Int(try fields.decode(UInt32.self, forKey: .attempt)))
    case "link": event = .link(by: try fields.decode(LinkKind.self, forKey: .by))
    case "readings": event = .readings(try DeviceReadings(from: decoder))
    case "failed":
      event = .failed(
        device: try fields.decodeIfPresent(String.self, forKey: .device),
        try fields.decode(FailureReport.self, forKey: .failure))
    case "seen": event = .seen(try SeenDevice(from: decoder))
    case "probed": event = .probed(try Probe(from: decoder))
    case "found": event = .found(try Found(from: decoder))
    case "done": event = .done(try Done(from: decoder))
    case "stopped": event = .stopped(try fields.decode(Stage.self, forKey: .stage))
    default: throw UnknownEvent(word: word)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(Wire.version, forKey: .v)
    try fields.encode(poll, forKey: .poll)
    try fields.encode(time.milliseconds, forKey: .time)
    switch event {
    case .stage(let stage, let attempt):
      try fields.encode("stage", forKey: .event)
      try fields.encode(stage, forKey: .stage)
      try fields.encode(attempt, forKey: .attempt)
    case .link(let kind):
      try fields.encode("link", forKey: .event)
      try fields.encode(kind, forKey: .by)
    case .readings(let readings):
      try fields.encode("readings", forKey: .event)
      try readings.encode(to: encoder)
    case .failed(let device, let report):
      try fields.encode("failed", forKey: .event)
      try fields.encodeIfPresent(device, forKey: .device)
      try fields.encode(report, forKey: .failure)
    case .seen(let seen):
      try fields.encode("seen", forKey: .event)
      try seen.encode(to: encoder)
    case .probed(let probe):
      try fields.encode("probed", forKey: .event)
      try probe.encode(to: encoder)
    case .found(let found):
      try fields.encode("found", forKey: .event)
      try found.encode(to: encoder)
    case .done(let done):
      try fields.encode("done", forKey: .event)
      try done.encode(to: encoder)
    case .stopped(let stage):
      try fields.encode("stopped", forKey: .event)
      try fields.encode(stage, forKey: .stage)
    }
  }
}
