import Policy
import Readings

/// What a probe tells of bus, bluetoothd and adapters. One root gives one fault.
struct RadioFindings {
  let probe: Result<Probe, FailureReport>

  private func failure(of check: Check) -> FailureReport? {
    guard case .failure(let report) = probe, Self.check(report.failure) == check else { return nil }
    return report
  }

  /// Whose the failure of a probe is.
  private static func check(_ failure: Failure) -> Check {
    switch failure {
    case .busMissing, .busSilent, .busLost, .accessDenied: .bus
    case .daemonMissing, .daemonSilent, .daemonError: .bluetoothd
    case .adapterMissing, .adapterOff: .adapter
    default: .worker
    }
  }

  /// `nil`: the worker did its work.
  var worker: Finding? { failure(of: .worker).map { .fault(.worker, $0) } }

  var bus: Finding { failure(of: .bus).map { .fault(.bus, $0) } ?? .ok(.bus, "The system bus answers.") }

  var bluetoothd: Finding {
    failure(of: .bluetoothd).map { .fault(.bluetoothd, $0) } ?? .ok(.bluetoothd, "bluetoothd answers.")
  }

  /// - Parameter wanted: the adapters that devices name; `nil` among them: any.
  func adapter(wanted: [String?]) -> Finding {
    if let report = failure(of: .adapter) { return .fault(.adapter, report) }
    guard case .success(let probe) = probe else { return .unknown(.adapter, "Nothing is known of the adapters.") }
    let all = probe.adapters
    let names = all.map(\.name).joined(separator: ", ")
    if all.isEmpty {
      return .fault(.adapter, FailureReport(.adapterMissing, at: .bus, "bluetoothd has no Bluetooth adapter."))
    }
    for name in wanted.compactMap(\.self).uniqued where !all.contains(where: { $0.name == name }) {
      return .fault(
        .adapter, FailureReport(.adapterMissing, at: .bus, "Adapter \(name) does not exist; bluetoothd has \(names)."))
    }
    let isAnyWanted = wanted.isEmpty || wanted.contains(nil)
    let off = all.filter { adapter in
      guard !adapter.powered else { return false }
      return wanted.contains(adapter.name) || isAnyWanted && !all.contains(where: \.powered)
    }
    if let adapter = off.first(where: { $0.blocked == true }) {
      return Finding(
        check: .adapter, verdict: .fault, failure: .adapterOff,
        message: "Bluetooth adapter \(adapter.name) is blocked by rfkill.",
        advice:
          "`rfkill unblock bluetooth`, then `bluetoothctl power on`; where `rfkill list` says \"Hard blocked\", the machine has a switch or a key for it."
      )
    }
    if !off.isEmpty {
      let names = off.map(\.name).joined(separator: ", ")
      return .fault(.adapter, FailureReport(.adapterOff, at: .bus, "Bluetooth adapter \(names) is off."))
    }
    let on = all.filter(\.powered).map { "\($0.name) (\($0.address))" }.joined(separator: ", ")
    return .ok(.adapter, "\(on) is on.")
  }

  /// The addresses of links that stand: a module with one is not heard.
  var links: [Address] {
    guard case .success(let probe) = probe else { return [] }
    return probe.adapters.flatMap { $0.links ?? [] }
  }

  /// - Parameter time: how long was listened.
  func scan(_ result: Result<[SeenDevice], FailureReport>, for time: Duration) -> Finding {
    switch result {
    case .failure(let report): return .fault(.scan, report)
    case .success(let heard) where !heard.isEmpty:
      let ours = heard.count(where: \.isRenogy)
      return .ok(.scan, "\(heard.count) device\(heard.count == 1 ? "" : "s") heard, \(ours) of them Renogy's.")
    case .success where !links.isEmpty:
      return .unknown(
        .scan,
        "Nobody was heard in \(time.shortSeconds). A device that is connected is not heard: \(links.map(\.text).joined(separator: ", "))."
      )
    case .success:
      return .fault(
        .scan, "Nobody at all was heard in \(time.shortSeconds).",
        advice:
          "Where phones or other Bluetooth gear are near, the adapter is stuck: `blupow-worker reset-adapter` switches it off and on; if that does not help, replug it. \(Failure.notSeen.advice)"
      )
    }
  }
}

extension Sequence where Element: Hashable {
  /// Each once, in the order of its first place.
  fileprivate var uniqued: [Element] {
    var known: Set<Element> = []
    return filter { known.insert($0).inserted }
  }
}
