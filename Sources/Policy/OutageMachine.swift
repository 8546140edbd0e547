package import Readings

/// The time while something that no module can do without is away: the bus with bluetoothd, or an adapter. It is looked for until it is
/// back, and whoever waited for it is polled at once: no module has to pay for it with its interval.
///
///     well --poll failed by it--> away --woke--> probing --not yet--> away
///      ^----poll succeeded, probe says it is back--/-------/
package struct OutageMachine: Equatable, Sendable {
  package enum Subject: Hashable, Sendable {
    case bus
    /// `nil`: any.
    case adapter(String?)
  }

  package enum State: Equatable, Sendable {
    case well
    case away(FailureReport, since: Instant, probe: Instant)
    case probing(FailureReport, since: Instant)
  }

  package enum Event: Equatable, Sendable {
    /// A poll of one of its modules ended.
    case polled(PollOutcome)
    case woke
    case probed(Result<Probe, FailureReport>)
  }

  package enum Action: Equatable, Sendable {
    case probe
    case sleep(until: Instant)
    /// It is away, for that reason. Said again where the reason has changed.
    case away(FailureReport)
    /// It is back: whoever waits for it is to be polled now.
    case back
  }

  /// One that went away again so soon after it came back is not asked for so often any more.
  static let unsteady = Duration.seconds(60)
  /// So long away, it is more likely to have been taken away.
  static let longAway = Duration.seconds(600)
  static let seldom = Duration.seconds(30)
  static let pauses = Duration.seconds(60)

  package let subject: Subject
  package private(set) var state = State.well
  private let every: Duration
  private var pause: Duration
  private var cameBack: Instant?

  package init(_ subject: Subject, every: Duration) {
    self.subject = subject
    self.every = every
    pause = every
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch (state, event) {
    case (.well, .polled(let outcome)):
      guard let report = outcome.report, isAbsence(report.failure) else { return [] }
      let isUnsteady = cameBack.map { now - $0 < Self.unsteady } ?? false
      pause = isUnsteady ? min(pause * 2, max(every, Self.pauses)) : every
      state = .away(report, since: now, probe: now + pause)
      return [.away(report), .sleep(until: now + pause)]
    case (.away, .polled(let outcome)), (.probing, .polled(let outcome)):
      return shows(outcome) ? back(at: now) : []
    case (.away(let report, let since, let probe), .woke):
      guard now >= probe else { return [.sleep(until: probe)] }
      state = .probing(report, since: since)
      return [.probe]
    case (.probing(let report, let since), .probed(let result)):
      let found = absence(result)
      guard let found else { return back(at: now) }
      let current = found ?? report
      let next = now + (now - since > Self.longAway ? max(pause, Self.seldom) : pause)
      state = .away(current, since: since, probe: next)
      return (current.failure == report.failure ? [] : [.away(current)]) + [.sleep(until: next)]
    case (.well, _), (.away, .probed), (.probing, .woke): return []
    }
  }

  private mutating func back(at now: Instant) -> [Action] {
    state = .well
    cameBack = now
    return [.back]
  }

  private func isAbsence(_ failure: Failure) -> Bool {
    switch (subject, failure) {
    case (.bus, .busMissing), (.bus, .busSilent), (.bus, .busLost), (.bus, .daemonMissing), (.bus, .daemonSilent): true
    case (.adapter, .adapterMissing), (.adapter, .adapterOff): true
    default: false
    }
  }

  /// A poll that succeeded by bluetoothd has found both; one by the kernel's link has found its adapter.
  private func shows(_ outcome: PollOutcome) -> Bool {
    guard outcome.succeeded else { return false }
    return switch subject {
    case .bus: outcome.linkedBy == .bluez
    case .adapter: true
    }
  }

  /// What a probe says: `nil`, it is there; else why not, where the probe could tell.
  private func absence(_ result: Result<Probe, FailureReport>) -> FailureReport?? {
    switch (subject, result) {
    case (.bus, .success): nil
    case (.bus, .failure(let report)):
      // One that found no adapter has spoken to bluetoothd.
      report.failure.whose == .adapter ? nil : .some(isAbsence(report.failure) ? report : nil)
    case (.adapter(let name), .success(let probe)):
      probe.adapters.contains { $0.powered && (name == nil || $0.name == name) } ? nil : .some(nil)
    case (.adapter, .failure(let report)): .some(isAbsence(report.failure) ? report : nil)
    }
  }
}

extension OutageMachine.Subject {
  /// Of whose absence such a failure speaks, of a module that is reached by that adapter.
  package init?(_ failure: Failure, adapter: String?) {
    switch failure {
    case .busMissing, .busSilent, .busLost, .daemonMissing, .daemonSilent: self = .bus
    case .adapterMissing, .adapterOff: self = .adapter(adapter)
    default: return nil
    }
  }
}
