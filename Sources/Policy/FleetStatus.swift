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
  package var devices: [DeviceStatus]
  package var problems: [Problem]
  /// The last steps of the recovery ladder, oldest first.
  package var steps: [LadderStep]

  package init(
    gateway: String, version: String = Wire.release, uptime: Duration = .zero, skippedPolls: Int = 0, devices: [DeviceStatus],
    problems: [Problem] = [], steps: [LadderStep] = []
  ) {
    self.gateway = gateway
    self.version = version
    self.uptime = uptime
    self.skippedPolls = skippedPolls
    self.devices = devices
    self.problems = problems
    self.steps = steps
  }
}

extension FleetStatus: Codable {
  private enum Key: String, CodingKey {
    case gateway, version, devices, problems, steps
    case uptime = "uptime_s"
    case skippedPolls = "skipped_polls"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    gateway = try fields.decode(String.self, forKey: .gateway)
    version = try fields.decode(String.self, forKey: .version)
    uptime = .seconds(try fields.decode(Double.self, forKey: .uptime))
    skippedPolls = try fields.decode(Int.self, forKey: .skippedPolls)
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
    try fields.encode(devices, forKey: .devices)
    try fields.encode(problems, forKey: .problems)
    try fields.encode(steps, forKey: .steps)
  }
}
