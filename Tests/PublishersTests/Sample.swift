import Policy
import Readings
import Testing

/// Devices as a service knows them.
enum Sample {
  static func device(
    _ name: String, at address: String = "D8:B6:73:BF:4F:75", _ status: Freshness.Status = .connected
  ) throws -> DeviceStatus {
    DeviceStatus(
      name: name, address: try #require(Address(address)), profile: "inverter", model: "RIV1230RCH-SPS", status: status,
      available: true, testMode: false, age: .milliseconds(2100), readAt: nil,
      readings: ["battery_voltage": Reading(.number(51.2), unit: "V")], failure: nil, successRate: 1, availability: 1,
      connectMs: 300, connectMsMean: 300, pollMs: 412, consecutiveFailures: 0, deadline: .seconds(25), rssi: nil, link: .kernel)
  }

  static func fleet() throws -> FleetStatus {
    FleetStatus(
      gateway: "cabin", devices: [try device("Inverter"), try device("Workshop", at: "D8:B6:73:BF:4F:76")])
  }
}
