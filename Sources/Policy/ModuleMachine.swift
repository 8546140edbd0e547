package import Readings

/// When one module is polled and how: time and outcomes go in, actions come out. Never two polls at once.
///
///     resting --woke, pollNow--> polling --finished--> resting
///                                   \--finished, a link may be left--> releasing --released--> resting
package struct ModuleMachine: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    case resting(until: Instant)
    case polling(poll: String, since: Instant, deadline: Duration)
    case releasing(poll: String, until: Instant)
  }

  package enum Event: Equatable, Sendable {
    case woke
    case finished(PollOutcome)
    /// `nil`: the link is free.
    case released(poll: String, FailureReport?)
    /// Somebody wants readings now.
    case pollNow
  }

  package enum Action: Equatable, Sendable {
    /// `due` orders those that wait for a free session.
    case launch(Request, due: Instant)
    case release(Request)
    case sleep(until: Instant)
    case report(PollOutcome)
    case releaseFailed(FailureReport)
  }

  package static let releaseDeadline = Duration.seconds(8)
  /// After that many failures in a row what was learned of the module is doubted, and found out anew: the third is where this design
  /// begins to look elsewhere.
  static let doubtfulAfter = 3

  package let config: ModuleConfig
  package private(set) var state: State
  /// Polls in a row that failed by the module itself.
  package private(set) var failures = 0
  private var polls = 0
  private var memory: [String: DeviceMemory]
  /// Of the module itself, by the last poll that found something out.
  private var learned: Learned?

  package init(_ config: ModuleConfig, firstPoll: Instant) {
    self.config = config
    state = .resting(until: firstPoll)
    memory = Dictionary(uniqueKeysWithValues: config.devices.map { ($0.name, DeviceMemory()) })
  }

  /// Of the next poll.
  package var deadline: Duration { config.timeout.deadline(afterFailures: failures) }

  /// - Parameter jitter: -1...1.
  package mutating func handle(_ event: Event, at now: Instant, jitter: Double) -> [Action] {
    switch (state, event) {
    case (.resting(let until), .woke) where now >= until: return launch(due: until, at: now)
    case (.resting(let until), .woke): return [.sleep(until: until)]
    case (.resting, .pollNow): return launch(due: now, at: now)
    case (.polling(let poll, let since, _), .finished(let outcome)) where outcome.poll == poll:
      return conclude(outcome, since: since, at: now, jitter: jitter)
    case (.releasing(let poll, let until), .released(let answered, let failure)) where answered == poll:
      state = .resting(until: next(after: until, at: now))
      return (failure.map { [Action.releaseFailed($0)] } ?? []) + rest()
    // Answers to a question that is over, a timer that lost its race, a wish that the running poll fulfils.
    case (_, .woke), (_, .finished), (_, .released), (_, .pollNow): return []
    }
  }

  private mutating func launch(due: Instant, at now: Instant) -> [Action] {
    polls += 1
    let poll = "\(config.module.address.text.filter { $0 != ":" })-\(polls)"
    let deadline = deadline
    state = .polling(poll: poll, since: now, deadline: deadline)
    let silent = config.devices.filter { memory[$0.name]?.wasSilent == true }
    let devices = config.devices.filter { memory[$0.name]?.wasSilent != true } + silent
    let job = PollJob(
      module: config.module, devices: devices.map { (memory[$0.name] ?? DeviceMemory()).request($0, at: now) },
      // Two tries do not fit into so little.
      attempts: deadline < .seconds(15) ? 1 : config.attempts, retryDelay: config.retryDelay, link: config.link,
      learned: learned)
    return [.launch(Request(poll: poll, deadline: deadline, job: .poll(job)), due: due)]
  }

  private mutating func conclude(_ outcome: PollOutcome, since: Instant, at now: Instant, jitter: Double) -> [Action] {
    if outcome.succeeded {
      failures = 0
    } else if outcome.blamesModule {
      failures += 1
    }
    learned = outcome.done?.learned ?? learned
    if failures >= Self.doubtfulAfter { learned = nil }
    // Another adapter may do where this one is off or gone.
    if outcome.answers.values.contains(where: { $0.failure?.failure.whose == .adapter }) { learned?.adapter = nil }
    for device in config.devices {
      memory[device.name]?.learn(outcome.answers[device.name], notes: outcome.done?.blocks[device.name], at: now)
    }
    let until = since + BackOff.pause(interval: config.interval, failures: failures, jitter: jitter)
    guard outcome.needsRelease else {
      state = .resting(until: next(after: until, at: now))
      return [.report(outcome)] + rest()
    }
    state = .releasing(poll: outcome.poll, until: until)
    let release = Request(poll: outcome.poll, deadline: Self.releaseDeadline, job: .release(config.module))
    return [.report(outcome), .release(release)]
  }

  /// `until`, or the next of its kind that is still to come: an overdue poll is skipped, not stacked.
  private func next(after until: Instant, at now: Instant) -> Instant {
    guard config.interval > .zero, now > until else { return until }
    let missed = ((now - until) / config.interval).rounded(.up)
    return until + config.interval * missed
  }

  private func rest() -> [Action] {
    if case .resting(let until) = state { [.sleep(until: until)] } else { [] }
  }
}

extension ModuleMachine {
  /// At which ages its devices' readings change their status.
  package var freshnessLimits: Freshness.Limits {
    Freshness.Limits(interval: config.interval, deadline: deadline, cacheFor: config.cacheFor, grace: config.grace)
  }
}
