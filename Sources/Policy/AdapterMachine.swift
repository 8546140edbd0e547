package import Readings

/// When an adapter on which nothing works any more is switched off and on: only where the user allowed it, only while not one of its
/// modules works, and not often.
package struct AdapterMachine: Equatable, Sendable {
  package enum Event: Equatable, Sendable {
    case polled(Address, PollOutcome)
    /// The reset has ended; `nil`: well.
    case reset(FailureReport?)
  }

  package enum Action: Equatable, Sendable {
    /// To be launched when the adapter is idle.
    case reset(Request)
    case step(LadderStep.Name)
    case raise(FailureReport)
    case settle
    /// What had failed is to be polled now.
    case pollAll
  }

  /// From facts: 2 s off, 3 s for on, 3.5 s to settle, and as much again for a bus that is slow.
  package static let resetDeadline = Duration.seconds(15)
  /// Failures in a row before a module counts as not working.
  static let failingAfter = 3

  package let adapter: String?
  private var settings: PolicySettings
  /// Of each module, polls in a row that failed by it or by the adapter.
  private var failing: [Address: Int] = [:]
  private var lastSuccess: Instant
  private var resets: [Instant] = []
  private var isResetting = false

  package init(_ adapter: String?, modules: [Address], settings: PolicySettings, start: Instant) {
    self.adapter = adapter
    self.settings = settings
    lastSuccess = start
    failing = Dictionary(uniqueKeysWithValues: modules.map { ($0, 0) })
  }

  /// Other settings, and who is polled by this adapter now.
  package mutating func adopt(_ settings: PolicySettings, modules: Set<Address>) {
    self.settings = settings
    failing = failing.filter { modules.contains($0.key) }
    for module in modules where failing[module] == nil { failing[module] = 0 }
  }

  package mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch event {
    case .polled(let module, let outcome):
      if outcome.succeeded {
        failing[module] = 0
        lastSuccess = now
        return []
      }
      // A failure by the bus or by us says nothing about the adapter.
      guard outcome.blamesModule || outcome.failure?.whose == .adapter else { return [] }
      failing[module, default: 0] += 1
      return resetIfDue(at: now)
    case .reset(let failure):
      guard isResetting else { return [] }
      isResetting = false
      for module in failing.keys { failing[module] = 0 }
      guard let failure else { return [.settle, .pollAll] }
      // By us, at our own end.
      return failure.failure == .stopped ? [] : [.raise(failure)]
    }
  }

  private mutating func resetIfDue(at now: Instant) -> [Action] {
    guard settings.resetsAdapter, !isResetting, !failing.isEmpty,
      failing.values.allSatisfy({ $0 >= Self.failingAfter }), now - lastSuccess >= settings.resetAfter
    else { return [] }
    resets.removeAll { now - $0 >= .seconds(3600) }
    guard resets.count < settings.resetsPerHour else { return [] }
    resets.append(now)
    isResetting = true
    let name = "reset-\(adapter ?? "adapter")-\(resets.count)"
    return [
      .step(.resetAdapter), .reset(Request(poll: name, deadline: Self.resetDeadline, job: .resetAdapter(adapter: adapter))),
    ]
  }
}

extension AdapterMachine {
  /// What a later process needs of it: when the adapter was reset, lest a service that restarts resets it without end.
  package struct Keepsake: Equatable, Sendable, Codable { var resets: [Timestamp] }

  package func keepsake(_ clock: ClockReading) -> Keepsake { Keepsake(resets: resets.map { clock.stamp(of: $0) }) }

  /// - Parameter keepsake: one whose time nobody knows counts as just now.
  package init(
    _ adapter: String?, modules: [Address], settings: PolicySettings, start: Instant, keepsake: Keepsake?, clock: ClockReading
  ) {
    self.init(adapter, modules: modules, settings: settings, start: start)
    resets = (keepsake?.resets.suffix(settings.resetsPerHour) ?? []).map { min(clock.instant(of: $0) ?? start, start) }
  }
}
