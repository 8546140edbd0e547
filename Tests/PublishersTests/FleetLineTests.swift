import Policy
import Readings
import Testing

@testable import Publishers

@Suite struct FleetLineTests {
  private func fleet(_ states: [Freshness.Status], problems: [Problem] = []) throws -> FleetStatus {
    FleetStatus(
      gateway: "cabin", devices: try states.enumerated().map { try Sample.device("Device \($0)", $1) }, problems: problems)
  }

  @Test func `so many devices are in each state that one is in`() throws {
    #expect(FleetLine(try fleet([.connected])).text == "1 device: 1 connected")
    #expect(
      FleetLine(try fleet([.connected, .disconnected, .offline, .connected])).text
        == "4 devices: 2 connected, 1 offline, 1 disconnected")
  }

  @Test func `of several problems the gravest is told`() throws {
    let problems = [
      Problem(.storeFailed, message: "The disk is full.", advice: ""),
      Problem(.adapterAway, adapter: "hci0", message: "It is off.", advice: ""),
      Problem(.brokerAway, message: "Nobody listens.", advice: ""),
    ]
    #expect(FleetLine(try fleet([.offline], problems: problems)).text == "1 device: 1 offline. hci0: adapter_away: It is off.")
  }

  @Test func `without a problem it is the device that fails for the longest`() throws {
    var status = try fleet([.connected, .offline, .disconnected])
    for (index, failures) in [9, 2, 3].enumerated() {
      status.devices[index].failure = FailureReport(.notSeen, at: .scan, "Not heard \(failures).")
      status.devices[index].consecutiveFailures = failures
    }
    #expect(
      FleetLine(status).text == "3 devices: 1 connected, 1 offline, 1 disconnected. Device 2: not_seen: Not heard 3.",
      "one that is connected has readings")
  }

  @Test func `simulated devices are told as such`() throws {
    var status = try fleet([.connected, .connected])
    status.devices[0].testMode = true
    #expect(FleetLine(status).text == "2 devices: 2 connected (1 SIMULATED)")
  }

  @Test func `it stays one line, and a short one, whatever a message holds`() throws {
    let long = Problem(.busAway, message: "a\nREADY=1\n" + String(repeating: "ä", count: 1000), advice: "")
    let text = FleetLine(try fleet([.offline], problems: [long])).text
    #expect(
      !text.contains("\n") && text.utf8.count <= 300 && text.hasPrefix("1 device: 1 offline. BluPow: bus_away: a?READY=1?ä"))
  }
}
