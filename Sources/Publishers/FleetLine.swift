package import Policy
import Readings

/// A fleet in one line, for who looks at the service and not at its devices: how many are in which state, and the gravest of what is
/// wrong.
package struct FleetLine {
  static let maxBytes = 300

  private let status: FleetStatus

  package init(_ status: FleetStatus) { self.status = status }

  package var text: String {
    let line = ([counts] + [trouble].compactMap(\.self)).joined(separator: ". ")
    return Printable.text(line, maxBytes: Self.maxBytes)
  }

  /// "3 devices: 2 connected, 1 offline"
  private var counts: String {
    let devices = status.devices
    let states: [Freshness.Status] = [.connected, .offline, .disconnected]
    let counted = states.compactMap { state in
      let count = devices.count { $0.status == state }
      return count == 0 ? nil : "\(count) \(state.rawValue)"
    }
    let simulated = devices.count { $0.testMode }
    return "\(devices.count) device\(devices.count == 1 ? "" : "s"): \(counted.joined(separator: ", "))"
      + (simulated == 0 ? "" : " (\(simulated) SIMULATED)")
  }

  private var trouble: String? {
    if let problem = status.problems.min(by: { $0.name.rank < $1.name.rank }) {
      return "\(problem.subject): \(problem.name.rawValue): \(problem.message)"
    }
    // The one that fails for the longest.
    let failing = status.devices.filter { $0.status != .connected && $0.failure != nil }
    guard let device = failing.max(by: { $0.consecutiveFailures < $1.consecutiveFailures }), let failure = device.failure else {
      return nil
    }
    return "\(device.name): \(failure.failure.rawValue): \(failure.message)"
  }
}

extension Problem.Name {
  /// The lower, the graver: by how much goes without readings, or does not reach anybody, because of it.
  fileprivate var rank: Int {
    switch self {
    case .busAway: 0
    case .adapterAway: 1
    case .resetFailed, .workerAbandoned: 2
    case .brokerRefuses: 3
    case .brokerAway, .httpFailed: 4
    case .inUse, .moduleFailing, .releaseFailed: 5
    case .configRefused: 6
    case .storeFailed: 7
    case .historyFailed: 8
    case .workerStrays: 9
    }
  }
}
