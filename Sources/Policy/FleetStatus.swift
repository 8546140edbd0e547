import FoundationEssentials

/// All that one gateway knows, at one moment. Every publisher renders it; none computes.
package struct FleetStatus: Equatable, Sendable, Codable {
  package var gateway: String
  package var devices: [DeviceStatus]
  package var problems: [Problem]

  package init(gateway: String, devices: [DeviceStatus], problems: [Problem] = []) {
    self.gateway = gateway
    self.devices = devices
    self.problems = problems
  }
}
