package import FoundationEssentials
package import Readings

/// Something that happened in a fleet, for who asks later what went on.
package struct FleetEvent: Equatable, Sendable {
  package enum Kind: String, Codable, Sendable, CaseIterable {
    /// The service started.
    case started
    /// The configuration was read again.
    case configured
    /// A device's poll failed; those that follow and fail alike are the same event.
    case failed
    /// A device was read again after failures.
    case recovered
    /// A device became connected, offline or disconnected, or available or not.
    case status
    /// Something that lasts began to be wrong.
    case problem
    /// And is over.
    case settled
    /// A step of the recovery ladder was taken.
    case step

    /// Kept apart from those that are not, so that no number of others takes its place.
    package var isTrouble: Bool { self == .failed || self == .problem }
  }

  package var kind: Kind
  /// Of the device, where it is one's.
  package var device: String?
  package var address: Address?
  package var adapter: String?
  /// The failure's class, the problem's, step's or status's name.
  package var name: String?
  /// Where the poll failed.
  package var stage: Stage?
  package var message: String
  package var advice: String?
  /// How many times in a row.
  package var count = 1
  /// By the wall clock: the first time.
  package var at: Date
  /// And the last.
  package var lastAt: Date

  package init(
    _ kind: Kind, device: String? = nil, address: Address? = nil, adapter: String? = nil, name: String? = nil,
    stage: Stage? = nil, message: String, advice: String? = nil, at: Date
  ) {
    self.kind = kind
    self.device = device
    self.address = address
    self.adapter = adapter
    self.name = name
    self.stage = stage
    self.message = message
    self.advice = advice
    self.at = at
    lastAt = at
  }

  package init(_ report: FailureReport, of device: DeviceConfig, at: Date) {
    self.init(
      .failed, device: device.name, address: device.address, name: report.failure.rawValue, stage: report.stage,
      message: report.message, advice: report.failure.advice, at: at)
  }

  package init(_ problem: Problem, at: Date) {
    self.init(
      .problem, address: problem.address, adapter: problem.adapter, name: problem.name.rawValue, message: problem.message,
      advice: problem.advice, at: at)
  }

  package init(_ step: LadderStep) {
    self.init(
      .step, address: step.address, adapter: step.adapter, name: step.name.rawValue, message: step.name.meaning, at: step.at)
  }

  /// Whose it is, for a line's beginning.
  package var subject: String { device ?? address?.text ?? adapter ?? "BluPow" }
}

extension LadderStep.Name {
  fileprivate var meaning: String {
    switch self {
    case .release: "the link that a worker may have left was freed"
    case .learnAnew: "what was learned of the module is found out anew"
    case .forget: "bluetoothd had to forget the module and look for it anew"
    case .leaveAlone: "the module is left to the program that takes it again and again"
    case .resetAdapter: "the adapter was switched off and on"
    case .slowest: "the module is polled as rarely as ever"
    }
  }
}

extension FleetEvent: Codable {
  private enum Key: String, CodingKey {
    case kind, device, address, adapter, name, stage, message, advice, count, at
    case lastAt = "last_at"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    kind = try fields.decode(Kind.self, forKey: .kind)
    device = try fields.decodeIfPresent(String.self, forKey: .device)
    address = try fields.decodeIfPresent(Address.self, forKey: .address)
    adapter = try fields.decodeIfPresent(String.self, forKey: .adapter)
    name = try fields.decodeIfPresent(String.self, forKey: .name)
    stage = try fields.decodeIfPresent(Stage.self, forKey: .stage)
    message = try fields.decode(String.self, forKey: .message)
    advice = try fields.decodeIfPresent(String.self, forKey: .advice)
    count = try fields.decode(Int.self, forKey: .count)
    at = try Date(rfc3339: try fields.decode(String.self, forKey: .at))
    lastAt = try Date(rfc3339: try fields.decode(String.self, forKey: .lastAt))
  }

  /// Every key is always there.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(kind, forKey: .kind)
    try fields.encode(device, forKey: .device)
    try fields.encode(address, forKey: .address)
    try fields.encode(adapter, forKey: .adapter)
    try fields.encode(name, forKey: .name)
    try fields.encode(stage, forKey: .stage)
    try fields.encode(message, forKey: .message)
    try fields.encode(advice, forKey: .advice)
    try fields.encode(count, forKey: .count)
    try fields.encode(at.rfc3339, forKey: .at)
    try fields.encode(lastAt.rfc3339, forKey: .lastAt)
  }
}
