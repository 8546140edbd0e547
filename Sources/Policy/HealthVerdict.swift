/// How a running service's devices are, by the words of monitoring plugins.
package struct HealthVerdict: Equatable, Sendable {
  /// The raw value is a plugin's exit code.
  package enum State: Int32, Sendable, Comparable, CaseIterable {
    case ok, warning, critical, unknown

    package static func < (one: State, other: State) -> Bool { one.rawValue < other.rawValue }
  }

  /// One thing that is wrong with a device.
  package enum Finding: Equatable, Sendable {
    /// Its last readings are too old to be shown, or it has none.
    case unavailable
    /// Its last readings still stand, but they are not of now.
    case notLive(Freshness.Status)
    case failures(Int, State)
    /// 0...1.
    case successRate(Double)

    package var state: State {
      switch self {
      case .unavailable: .critical
      case .notLive, .successRate: .warning
      case .failures(_, let state): state
      }
    }
  }

  package struct Device: Equatable, Sendable {
    package var name: String
    /// The service is so young that nothing is made of it yet.
    package var isStarting: Bool
    package var findings: [Finding]

    package var state: State { findings.map(\.state).max() ?? .ok }
  }

  /// As the fleet has them.
  package let devices: [Device]

  /// The worst device's.
  package var state: State { devices.map(\.state).max() ?? .ok }

  package init(_ fleet: FleetStatus, _ thresholds: HealthThresholds) {
    devices = fleet.devices.map { device in
      let isStarting = device.interval.map { fleet.uptime < $0 * thresholds.startingIntervals } ?? false
      return Device(
        name: device.name, isStarting: isStarting, findings: isStarting ? [] : Self.findings(device, thresholds))
    }
  }

  private static func findings(_ device: DeviceStatus, _ thresholds: HealthThresholds) -> [Finding] {
    var findings: [Finding] = []
    if !device.available {
      findings.append(.unavailable)
    } else if device.status != .connected {
      findings.append(.notLive(device.status))
    }
    let failures = device.consecutiveFailures
    if failures >= thresholds.criticalFailures {
      findings.append(.failures(failures, .critical))
    } else if failures >= thresholds.warningFailures {
      findings.append(.failures(failures, .warning))
    }
    if let rate = device.successRate, rate < thresholds.successRate { findings.append(.successRate(rate)) }
    return findings
  }
}
