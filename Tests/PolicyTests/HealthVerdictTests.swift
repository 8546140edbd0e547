import Policy
import Readings
import Testing

@Suite struct HealthVerdictTests {
  private func device(_ change: (inout DeviceStatus) -> Void = { _ in }) throws -> DeviceStatus {
    var device = DeviceStatus(
      name: "Inverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter", model: nil, status: .connected,
      available: true, testMode: false, age: .seconds(12), readAt: nil, readings: [:], failure: nil, successRate: 1,
      availability: 1, connectMs: 412, connectMsMean: 412, pollMs: 2900, consecutiveFailures: 0, deadline: .seconds(25),
      interval: .seconds(30), rssi: nil)
    change(&device)
    return device
  }

  private func verdict(
    _ devices: [DeviceStatus], uptime: Duration = .seconds(3600), _ thresholds: HealthThresholds = HealthThresholds()
  ) -> HealthVerdict {
    HealthVerdict(FleetStatus(gateway: "cabin", uptime: uptime, devices: devices), thresholds)
  }

  private func state(
    uptime: Duration = .seconds(3600), _ thresholds: HealthThresholds = HealthThresholds(),
    change: (inout DeviceStatus) -> Void
  ) throws -> HealthVerdict.State {
    verdict([try device(change)], uptime: uptime, thresholds).state
  }

  @Test func `a device that is connected is well`() throws {
    let verdict = verdict([try device()])
    #expect(verdict.state == .ok && verdict.devices.map(\.findings) == [[]])
  }

  @Test(arguments: [Freshness.Status.offline, .disconnected]) func `one with old readings is a warning`(status: Freshness.Status)
    throws
  {
    #expect(try state { $0.status = status } == .warning)
  }

  @Test func `one that is unavailable is critical`() throws {
    #expect(
      try state {
        $0.status = .disconnected
        $0.available = false
      } == .critical)
  }

  @Test(arguments: [(2, HealthVerdict.State.ok), (3, .warning), (4, .warning), (5, .critical), (50, .critical)])
  func `three failures in a row are a warning, five are critical`(failures: Int, state expected: HealthVerdict.State) throws {
    #expect(try state { $0.consecutiveFailures = failures } == expected)
  }

  @Test(arguments: [(0.8, HealthVerdict.State.ok), (0.7999, .warning), (0, .warning)])
  func `less than 80 % successes are a warning`(rate: Double, state expected: HealthVerdict.State) throws {
    #expect(try state { $0.successRate = rate } == expected)
    #expect(try state { $0.successRate = nil } == .ok, "nobody knows yet")
  }

  @Test func `the thresholds are settings`() throws {
    let strict = HealthThresholds(successRate: 0.95, warningFailures: 1, criticalFailures: 2, startingIntervals: 10)
    #expect(try state(strict) { $0.successRate = 0.94 } == .warning)
    #expect(try state(strict) { $0.consecutiveFailures = 1 } == .warning)
    #expect(try state(strict) { $0.consecutiveFailures = 2 } == .critical)
    #expect(try state(uptime: .seconds(299), strict) { $0.consecutiveFailures = 2 } == .ok)
  }

  @Test func `a device is not judged before two of its intervals`() throws {
    let bad: (inout DeviceStatus) -> Void = {
      ($0.available, $0.status, $0.consecutiveFailures) = (false, .disconnected, 7)
    }
    #expect(try state(uptime: .milliseconds(59_900), change: bad) == .ok)
    #expect(try state(uptime: .seconds(60), change: bad) == .critical)
    #expect(try state(uptime: .seconds(1), HealthThresholds(startingIntervals: 0), change: bad) == .critical)
    let slow = try device {
      bad(&$0)
      $0.interval = .seconds(300)
    }
    let both = verdict([try device(bad), slow], uptime: .seconds(61))
    #expect(both.devices.map(\.isStarting) == [false, true])
    #expect(both.devices.map(\.state) == [.critical, .ok])
    // Of a service that does not say its intervals nothing is excused.
    #expect(
      try state(uptime: .seconds(1)) {
        bad(&$0)
        $0.interval = nil
      } == .critical)
  }

  @Test func `the fleet is as its worst device, and all that is wrong is found`() throws {
    let bad = try device {
      $0.available = false
      $0.consecutiveFailures = 4
      $0.successRate = 0.5
    }
    let verdict = verdict([try device(), bad, try device { $0.status = .offline }])
    #expect(verdict.state == .critical)
    #expect(
      verdict.devices.map(\.findings) == [[], [.unavailable, .failures(4, .warning), .successRate(0.5)], [.notLive(.offline)]])
  }

  @Test func `the states are a plugin's exit codes`() {
    #expect(HealthVerdict.State.allCases.map(\.rawValue) == [0, 1, 2, 3])
  }
}
