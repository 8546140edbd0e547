package import FoundationEssentials
package import Readings

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

/// Something wrong that is no single poll's failure, and lasts.
package struct Problem: Equatable, Sendable, Codable {
  package enum Name: String, Codable, Sendable {
    /// After a killed worker its link could not be freed.
    case releaseFailed = "release_failed"
  }

  package var name: Name
  package var address: Address
  package var message: String
  package var advice: String

  package init(_ name: Name, address: Address, message: String, advice: String) {
    self.name = name
    self.address = address
    self.message = message
    self.advice = advice
  }
}

/// One device as people and programs see it.
package struct DeviceStatus: Equatable, Sendable {
  package var name: String
  package var address: Address
  package var profile: String
  package var model: String?
  package var status: Freshness.Status
  package var available: Bool
  package var testMode: Bool
  /// Of the last real readings.
  package var age: Duration?
  /// By the wall clock, for people.
  package var readAt: Date?
  /// Empty where nothing may be shown.
  package var readings: [String: Reading]
  /// Of the last poll; `nil` after a success.
  package var failure: FailureReport?
  /// 0...1.
  package var successRate: Double?
  /// 0...1.
  package var availability: Double?
  package var connectMs: Int64?
  package var connectMsMean: Double?
  package var pollMs: Int64?
  package var consecutiveFailures: Int
  /// Of the next poll.
  package var deadline: Duration
  /// dBm, where the last poll scanned.
  package var rssi: Int?

}
