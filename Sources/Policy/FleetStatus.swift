import FoundationEssentials
import Readings

/// All that one gateway knows, at one moment. Every publisher renders it; none computes.
package struct FleetStatus: Equatable, Sendable {
  package var gateway: String
  /// Of BluPow.
  package var version: String
  /// Of the gateway, by the clock that counts suspend.
  package var uptime: Duration
  /// Polls that were due while their module was still being polled, since the start.
  package var skippedPolls: Int
  /// How late the latest polls of the last minutes began, all but one in a hundred, in milliseconds; `nil` where none did.
  package var lagP99: Int64?
  /// Open in the gateway's process, but for those to workers under way and those that the runtime waits by; `nil`: nobody knows.
  package var descriptors: Int?
  /// Processes that workers left since the start: those that were killed, and those that live. `nil`: nobody knows.
  package var strays: Int?
  /// For its host alone; no publisher tells it. `nil`: of an earlier release, which does not say.
  package var places: ServicePlaces?
  package var devices: [DeviceStatus]
  package var problems: [Problem]
  /// The last steps of the recovery ladder, oldest first.
  package var steps: [LadderStep]

  package init(
    gateway: String, version: String = Wire.release, uptime: Duration = .zero, skippedPolls: Int = 0, lagP99: Int64? = nil,
    descriptors: Int? = nil, strays: Int? = nil, places: ServicePlaces? = ServicePlaces(), devices: [DeviceStatus],
    problems: [Problem] = [], steps: [LadderStep] = []
  ) {
    self.gateway = gateway
    self.version = version
    self.uptime = uptime
    self.skippedPolls = skippedPolls
    self.lagP99 = lagP99
    self.descriptors = descriptors
    self.strays = strays
    self.places = places
    self.devices = devices
    self.problems = problems
    self.steps = steps
  }
}

extension FleetStatus: Codable {
  private enum Key: String, CodingKey {
    case gateway, version, descriptors, strays, broker, devices, problems, steps
    case uptime = "uptime_s"
    case skippedPolls = "skipped_polls"
    case lagP99 = "lag_p99_ms"
    case stateDirectory = "state_dir"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    gateway = try fields.decode(String.self, forKey: .gateway)
    version = try fields.decode(String.self, forKey: .version)
    uptime = try fields.time(.uptime)
    skippedPolls = try fields.count(.skippedPolls)
    lagP99 = try fields.millisecondsIfPresent(Int64.self, .lagP99)
    descriptors = try fields.countIfPresent(.descriptors)
    strays = try fields.countIfPresent(.strays)
    if fields.contains(.broker), fields.contains(.stateDirectory) {
      places = ServicePlaces(
        broker: try fields.decodeIfPresent(String.self, forKey: .broker),
        stateDirectory: try fields.decodeIfPresent(String.self, forKey: .stateDirectory))
    }
    devices = try fields.decode([DeviceStatus].self, forKey: .devices)
    problems = try fields.decode([Problem].self, forKey: .problems)
    steps = try fields.decode([LadderStep].self, forKey: .steps)
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(gateway, forKey: .gateway)
    try fields.encode(version, forKey: .version)
    try fields.encode((uptime.seconds * 10).rounded() / 10, forKey: .uptime)
    try fields.encode(skippedPolls, forKey: .skippedPolls)
    try fields.encode(lagP99, forKey: .lagP99)
    try fields.encode(descriptors, forKey: .descriptors)
    try fields.encode(strays, forKey: .strays)
    if let places {
      try fields.encode(places.broker, forKey: .broker)
      try fields.encode(places.stateDirectory, forKey: .stateDirectory)
    }
    try fields.encode(devices, forKey: .devices)
    try fields.encode(problems, forKey: .problems)
    try fields.encode(steps, forKey: .steps)
  }
}
