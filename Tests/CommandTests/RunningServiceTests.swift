import Policy
import Readings
import Testing

@testable import blupow

@Suite struct RunningServiceTests {
  private func config(_ name: String, _ address: String) throws -> DeviceConfig {
    DeviceConfig(name: name, address: try #require(Address(address)), profile: "inverter")
  }

  private func status(_ name: String, _ address: String) throws -> DeviceStatus {
    DeviceStatus(
      name: name, address: try #require(Address(address)), profile: "inverter", model: nil, status: .connected, available: true,
      testMode: false, age: nil, readAt: nil, readings: [:], failure: nil, successRate: nil, availability: nil, connectMs: nil,
      connectMsMean: nil, pollMs: nil, consecutiveFailures: 0, deadline: .seconds(25), rssi: nil)
  }

  @Test func `of a service's fleet the devices that were asked for are taken, in the command's order, with their problems`()
    throws
  {
    let (first, second) = ("D8:B6:73:BF:4F:75", "D8:B6:73:BF:4F:76")
    let problems =
      [first, second].map { Problem(.releaseFailed, address: Address($0), message: "It stands.", advice: "Look.") }
      + [Problem(.busAway, message: "bluetoothd is not running.", advice: "Start it.")]
    let fleet = FleetStatus(
      gateway: "cabin", devices: [try status("A", first), try status("B", second), try status("C", first)], problems: problems)
    let picked = try #require(RunningService.pick([try config("C", first), try config("A", first)], from: fleet))
    #expect(picked.devices.map(\.name) == ["C", "A"])
    // Those of bus and service concern every device.
    #expect(picked.problems.map(\.subject) == [first, "BluPow"])
  }

  @Test func `a device that the service has under another name or address is not known to it`() throws {
    let fleet = FleetStatus(gateway: "cabin", devices: [try status("A", "D8:B6:73:BF:4F:75")])
    #expect(RunningService.pick([try config("A", "D8:B6:73:BF:4F:75")], from: fleet) != nil)
    #expect(RunningService.pick([try config("A", "D8:B6:73:BF:4F:76")], from: fleet) == nil)
    #expect(RunningService.pick([try config("B", "D8:B6:73:BF:4F:75")], from: fleet) == nil)
  }
}
