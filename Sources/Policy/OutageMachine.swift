package import Readings

/// The time while something that no module can do without is away: the bus with bluetoothd, or an adapter. It is looked for until it is
/// back, and whoever waited for it is polled at once: no module has to pay for it with its interval.
///
///     well --poll failed by it--> suspected --probe: away--> away --probe: there--> well
///                                    \--probe: there--> well
///
/// One failed poll only raises a suspicion: what one module alone meets is no outage, and must neither be told as one nor be polled
/// again and again for it.
package struct OutageMachine: Equatable, Sendable {
  package enum Subject: Hashable, Sendable {
    case bus
    /// `nil`: any.
    case adapter(String?)
  }

  package enum State: Equatable, Sendable {
    case well
    case suspected(FailureReport, probe: Instant, probing: Bool)
    case away(FailureReport, since: Instant, probe: Instant, probing: Bool)
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
    /// It is back, after it was said to be away.
    case back
    /// Whoever waits for it is to be polled now.
    case pollWaiting
  }

  /// What was suspected or away again so soon is not asked for so often any more.
  static let unsteady = Duration.seconds(600)
  static let longestPause = Duration.seconds(60)
  /// So long away, it is more likely to have been taken away.
  static let longAway = Duration.seconds(600)
  static let seldom = Duration.seconds(30)

  package let subject: Subject
  package private(set) var state = State.well
  /// Between probes.
  package var every: Duration
  private var pause = Duration.zero
  private var wasWell: Instant?

  package init(_ subject: Subject, every: Duration) {
    self.subject = subject
    self.every = every
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch (state, event) {
    case (.well, .polled(let outcome)):
      guard let report = outcome.report, isAbsence(report.failure) else { return [] }
      pause = isUnsteady(now) ? min(max(pause * 2, every), max(every, Self.longestPause)) : .zero
      state = .suspected(report, probe: now + pause, probing: false)
      return [.sleep(until: now + pause)]
    case (.suspected(let report, let probe, false), .woke):
      guard now >= probe else { return [.sleep(until: probe)] }
      state = .suspected(report, probe: probe, probing: true)
      return [.probe]
    case (.suspected(let report, _, true), .probed(let result)):
      switch absence(result) {
      case .there: return cleared(at: now)
      case .away(let found): return confirmed(found ?? report, at: now)
      case .unknown: return confirmed(report, at: now)
      }
    case (.suspected, .polled(let outcome)): return shows(outcome) ? cleared(at: now) : []
    case (.away(let report, let since, let probe, false), .woke):
      guard now >= probe else { return [.sleep(until: probe)] }
      state = .away(report, since: since, probe: probe, probing: true)
      return [.probe]
    case (.away(let report, let since, _, true), .probed(let result)):
      switch absence(result) {
      case .there: return returned(at: now)
      case .away(let found): return stays(found ?? report, after: report, since: since, at: now)
      case .unknown: return stays(report, after: report, since: since, at: now)
      }
    case (.away, .polled(let outcome)): return shows(outcome) ? returned(at: now) : []
    // The answer to a question of before: what is away now has its own time.
    case (.suspected(_, let probe, false), .probed), (.away(_, _, let probe, false), .probed): return [.sleep(until: probe)]
    case (.well, _), (.suspected, .woke), (.away, .woke): return []
    }
  }

  private func isUnsteady(_ now: Instant) -> Bool { wasWell.map { now - $0 < Self.unsteady } ?? false }

  private mutating func confirmed(_ report: FailureReport, at now: Instant) -> [Action] {
    let next = now + max(pause, every)
    state = .away(report, since: now, probe: next, probing: false)
    return [.away(report), .sleep(until: next)]
  }

  private mutating func stays(_ report: FailureReport, after last: FailureReport, since: Instant, at now: Instant) -> [Action] {
    let next = now + (now - since > Self.longAway ? max(pause, every, Self.seldom) : max(pause, every))
    state = .away(report, since: since, probe: next, probing: false)
    return (report.failure == last.failure ? [] : [.away(report)]) + [.sleep(until: next)]
  }

  /// It was there all the time, or is again: a daemon that was restarted. Who failed by it has another try, but only one.
  private mutating func cleared(at now: Instant) -> [Action] {
    let wasSteady = !isUnsteady(now)
    (state, wasWell) = (.well, now)
    return wasSteady ? [.pollWaiting] : []
  }

  private mutating func returned(at now: Instant) -> [Action] {
    (state, wasWell) = (.well, now)
    return [.back, .pollWaiting]
  }

  private func isAbsence(_ failure: Failure) -> Bool {
    switch (subject, Subject(failure, adapter: nil)) {
    case (.bus, .bus?), (.adapter, .adapter?): true
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

  private enum Finding { case there, away(FailureReport?), unknown }

  private func absence(_ result: Result<Probe, FailureReport>) -> Finding {
    switch (subject, result) {
    case (.bus, .success): .there
    // One that found no adapter has spoken to bluetoothd.
    case (.bus, .failure(let report)) where report.failure.whose == .adapter: .there
    case (.adapter(let name), .success(let probe)):
      probe.adapters.contains { $0.powered && (name == nil || $0.name == name) } ? .there : .away(nil)
    case (_, .failure(let report)): isAbsence(report.failure) ? .away(report) : .unknown
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
