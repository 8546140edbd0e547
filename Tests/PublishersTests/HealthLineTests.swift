import Policy
import Publishers
import Readings
import Testing

@Suite struct HealthLineTests {
  private func fleet(_ devices: [DeviceStatus], uptime: Duration = .seconds(86_400), problems: [Problem] = []) -> FleetStatus {
    FleetStatus(gateway: "cabin", uptime: uptime, devices: devices, problems: problems)
  }

  private func line(_ fleet: FleetStatus, _ thresholds: HealthThresholds = HealthThresholds()) -> String {
    HealthLine.text(fleet, HealthVerdict(fleet, thresholds), thresholds)
  }

  private func forPeople(_ fleet: FleetStatus) throws -> String {
    String(try #require(line(fleet).split(separator: " | ", maxSplits: 1).first))
  }

  @Test func `a well device is one line, with every measure by its name`() throws {
    #expect(
      line(fleet([try Sample.device("Inverter")])) == """
        BLUPOW OK - 1 device: all connected | 'devices'=1;;;0 'devices_available'=1;;;0 'uptime_s'=86400s;;;0 \
        'Inverter success_rate'=100%;80:;;0;100 'Inverter availability'=100%;;;0;100 'Inverter consecutive_failures'=0;2;4;0 \
        'Inverter age_s'=2.1s;;;0 'Inverter connect_ms'=300ms;;;0 'Inverter connect_ms_mean'=300ms;;;0 \
        'Inverter poll_ms'=412ms;;;0 'Inverter deadline_s'=25s;;;0 'Inverter rssi'=U
        """)
  }

  @Test func `the worst comes first, with the reason`() throws {
    var lost = try Sample.device("Battery")
    (lost.available, lost.status, lost.age, lost.consecutiveFailures) = (false, .disconnected, .seconds(840), 6)
    lost.failure = FailureReport(.notSeen, at: .scan, "It was not seen.")
    var weak = try Sample.device("Shunt")
    (weak.status, weak.successRate) = (.offline, 0.7999)
    #expect(
      try forPeople(fleet([weak, try Sample.device("Inverter"), lost])) == """
        BLUPOW CRITICAL - 3 devices: Battery unavailable, read 14 min ago, 6 failures in a row (not_seen); \
        Shunt offline, read 2.1 s ago, 79.9 % of its polls succeeded
        """)
  }

  @Test func `of many only the first are named`() throws {
    let devices = try (1...8).map { number in
      var device = try Sample.device("B\(number)")
      device.status = .offline
      return device
    }
    let text = try forPeople(fleet(devices))
    #expect(text.hasPrefix("BLUPOW WARNING - 8 devices: B1 offline") && text.contains("B5 offline"))
    #expect(text.hasSuffix("; 3 more") && !text.contains("B6"))
  }

  @Test func `a young service says that it is starting`() throws {
    var slow = try Sample.device("Battery")
    (slow.available, slow.status, slow.interval) = (false, .disconnected, .seconds(300))
    #expect(
      try forPeople(fleet([slow], uptime: .seconds(12))) == "BLUPOW OK - 1 device: starting, the service is 12.0 s old")
    #expect(
      try forPeople(fleet([slow, try Sample.device("Inverter")], uptime: .seconds(12)))
        == "BLUPOW OK - 2 devices: 1 starting, the service is 12.0 s old; the others connected")
  }

  @Test func `problems are named, and change no state`() throws {
    let problem = Problem(.brokerAway, message: "No connection.", advice: "Look.")
    #expect(
      try forPeople(fleet([try Sample.device("Inverter")], problems: [problem, problem]))
        == "BLUPOW OK - 1 device: all connected; problems: broker_away")
  }

  @Test func `a name can end neither its label nor the line`() throws {
    var device = try Sample.device("A|B='x'\n")
    device.status = .offline
    let line = line(fleet([device]))
    #expect(line.hasPrefix("BLUPOW WARNING - 1 device: A/B='x'? offline"))
    #expect(line.contains("'A/B_''x''? rssi'=U"))
    #expect(line.count { $0 == "|" } == 1 && !line.contains("\n"))
  }

  @Test func `what nobody knows is U, and the thresholds are those that were asked for`() throws {
    var device = try Sample.device("Inverter")
    (device.successRate, device.age, device.connectMs, device.rssi) = (nil, nil, nil, -61)
    let thresholds = HealthThresholds(successRate: 0.995, warningFailures: 1, criticalFailures: 2)
    let line = line(fleet([device]), thresholds)
    for part in ["'Inverter success_rate'=U", "'Inverter age_s'=U", "'Inverter connect_ms'=U", "'Inverter rssi'=-61"] {
      #expect(line.contains(part))
    }
    #expect(line.contains("'Inverter consecutive_failures'=0;0;1;0"))
    device.successRate = 0.9967
    #expect(self.line(fleet([device]), thresholds).contains("'Inverter success_rate'=99.67%;99.5:;;0;100"))
  }

  @Test func `without measures there is no bar`() {
    #expect(HealthLine.text(.unknown, "It did | not\nanswer.") == "BLUPOW UNKNOWN - It did / not?answer.")
  }
}
