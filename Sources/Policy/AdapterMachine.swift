package import Readings

/// When an adapter on which nothing works any more is switched off and on: only where the user allowed it, only while not one of its
/// modules works, and not often.
package struct AdapterMachine: Equatable, Sendable {
  package enum Event: Equatable, Sendable {
    case polled(Address, PollOutcome)
    /// The adapter is idle, and held for the reset.
    case admitted
    /// It could not be had: the gateway ends.
    case dropped
    /// The reset has ended; `nil`: well.
    case reset(FailureReport?)
  }

  package enum Action: Equatable, Sendable {
    /// The adapter is wanted idle.
    case want
    /// It may be given back: something works on it by now.
    case renounce
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
  /// The last one failed, and nothing has worked since.
  private var hasFailed = false

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
      // The last word of a module that has been removed.
      guard failing[module] != nil else { return [] }
      if outcome.succeeded {
        failing[module] = 0
        lastSuccess = now
        defer { hasFailed = false }
        return hasFailed ? [.settle] : []
      }
      // A failure by the bus or by us says nothing about the adapter.
      guard outcome.blamesModule || outcome.failure?.whose == .adapter else { return [] }
      failing[module, default: 0] += 1
      return resetIfDue(at: now)
    case .admitted:
      guard isResetting else { return [.renounce] }
      guard isDue(at: now) else {
        isResetting = false
        return [.renounce]
      }
      resets.append(now)
      let name = "reset-\(adapter ?? "adapter")-\(resets.count)"
      return [
        .step(.resetAdapter), .reset(Request(poll: name, deadline: Self.resetDeadline, job: .resetAdapter(adapter: adapter))),
      ]
    case .dropped:
      isResetting = false
      return []
    case .reset(let failure):
      guard isResetting else { return [] }
      isResetting = false
      for module in failing.keys { failing[module] = 0 }
      guard let failure else {
        hasFailed = false
        return [.settle, .pollAll]
      }
      // By us, at our own end.
      guard failure.failure != .stopped else { return [] }
      hasFailed = true
      return [.raise(failure)]
    }
  }

  private mutating func resetIfDue(at now: Instant) -> [Action] {
    guard settings.resetsAdapter, !isResetting else { return [] }
    resets.removeAll { now - $0 >= .seconds(3600) }
    guard isDue(at: now), resets.count < settings.resetsPerHour else { return [] }
    isResetting = true
    return [.want]
  }

  private func isDue(at now: Instant) -> Bool {
    !failing.isEmpty && failing.values.allSatisfy { $0 >= Self.failingAfter } && now - lastSuccess >= settings.resetAfter
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
