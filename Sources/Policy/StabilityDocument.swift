import FoundationEssentials
import Readings

/// A whole stability test, for programs (`protocol/checks.md`).
package struct StabilityDocument: Equatable, Sendable {
  package var gateway: String
  /// That were asked for, of each device.
  package var runs: Int
  package var pause: Duration
  package var devices: [StabilityReport]
  /// Every device had all of its runs.
  package var isComplete: Bool

  package init(gateway: String, runs: Int, pause: Duration, devices: [StabilityReport], isComplete: Bool) {
    self.gateway = gateway
    self.runs = runs
    self.pause = pause
    self.devices = devices
    self.isComplete = isComplete
  }

  package var isPassed: Bool { isComplete && devices.allSatisfy(\.isPassed) }
}

extension StabilityDocument: Encodable {
  private enum Key: String, CodingKey {
    case gateway, version, runs, passed, complete, devices
    case pause = "pause_s"
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(gateway, forKey: .gateway)
    try fields.encode(Wire.release, forKey: .version)
    try fields.encode(runs, forKey: .runs)
    try fields.encode(pause.seconds, forKey: .pause)
    try fields.encode(isComplete, forKey: .complete)
    try fields.encode(isPassed, forKey: .passed)
    try fields.encode(devices, forKey: .devices)
  }
}
