package import Readings

/// When one module is polled and how: time and outcomes go in, actions come out. Never two polls at once.
///
///     resting --woke, pollNow--> polling --finished--> resting
///                                   \--finished, a link may be left--> releasing --released--> resting
package struct ModuleMachine: Equatable, Sendable {
  package enum State: Equatable, Sendable {
    case resting(until: Instant)
    case polling(poll: String, since: Instant, deadline: Duration)
    /// `begun`: when the poll's worker was launched.
    case releasing(poll: String, until: Instant, begun: Instant)
  }

  package enum Event: Equatable, Sendable {
    case woke
    case finished(PollOutcome)
    /// `nil`: the link is free.
    case released(poll: String, FailureReport?)
    /// Somebody wants readings now.
    case pollNow
    /// Its settings have changed, its address has not. A poll that runs is not disturbed.
    case configured(ModuleConfig)
  }

  package enum Action: Equatable, Sendable {
    /// `due` orders those that wait for a free session.
    case launch(Request, due: Instant)
    case release(Request)
    case sleep(until: Instant)
    case report(PollOutcome)
    case raise(Problem.Name, message: String, advice: String)
    case settle(Problem.Name)
    case step(LadderStep.Name)
  }

  package static let releaseDeadline = Duration.seconds(8)
  /// After that many failures in a row what was learned of the module is doubted, and found out anew: the third is where this design
  /// begins to look elsewhere.
  static let doubtfulAfter = 3
  /// A failure that took longer was waited for.
  static let longFailure = Duration.seconds(5)

  package private(set) var config: ModuleConfig
  package private(set) var state: State
  /// Polls in a row that failed by the module itself.
  package private(set) var failures = 0
  /// Polls that were due while another one of this module still ran.
  package private(set) var skipped = 0
  private var polls = 0
  private var memory: [String: DeviceMemory]
  /// Of the module itself, by the last poll that found something out.
  private var learned: Learned?
  /// The way in which the last polls failed, all of them, and by which link.
  private var alike: Alike?
  private var forgotAt: Instant?
  /// Polls in a row that found it connected by somebody else.
  private var foundTaken = 0
  /// That it is left alone was said.
  private var saysTaken = false
  /// A link that is found may be one of ours: of a worker that was killed, of this process or of one before it.
  private var mayStand = true
  /// The last poll failed by bus or adapter, and says nothing of the module.
  package private(set) var waitsForHost = false
  /// The last poll failed, and held its session for long: whoever's fault that was, the next one may too.
  package private(set) var holdsSessions = false
  /// Settings to be had from the next poll on.
  private var next: ModuleConfig?

  private struct Alike: Equatable {
    var failure: Failure
    var link: LinkKind?
    var polls: Int
  }

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
    case (.releasing(let poll, let until, let begun), .released(let answered, let failure)) where answered == poll:
      mayStand = failure != nil
      let settled = settle(releasing: failure)
      adoptNext()
      state = .resting(until: upcoming(after: until, begun: begun, at: now))
      return settled + rest()
    case (.resting(let until), .configured(let config)):
      // A shorter interval counts at once: nobody waits for the end of the longer one.
      let isShorter = config.interval < self.config.interval
      next = config
      adoptNext()
      state = .resting(until: isShorter ? min(until, now + config.interval) : until)
      return rest()
    case (_, .configured(let config)):
      next = config
      return []
    // Answers to a question that is over, a timer that lost its race, a wish that the running poll fulfils.
    case (_, .woke), (_, .finished), (_, .released), (_, .pollNow): return []
    }
  }

  // MARK: - A poll begins

  private mutating func launch(due: Instant, at now: Instant) -> [Action] {
    polls += 1
    let poll = "\(config.module.address.text.filter { $0 != ":" })-\(polls)"
    let deadline = deadline
    state = .polling(poll: poll, since: now, deadline: deadline)
    let silent = config.devices.filter { memory[$0.name]?.wasSilent == true }
    let devices = config.devices.filter { memory[$0.name]?.wasSilent != true } + silent
    let forgets = shallForget(at: now)
    if forgets { forgotAt = now }
    var module = config.module
    module.name = module.name ?? learned?.name
    let job = PollJob(
      module: module, devices: devices.map { (memory[$0.name] ?? DeviceMemory()).request($0, at: now) },
      // Two tries do not fit into so little.
      attempts: deadline < .seconds(15) ? 1 : config.attempts, retryDelay: config.retryDelay, link: config.link,
      learned: learned, forgets: forgets, yields: isLeftAlone)
    return (forgets ? [.step(.forget)] : [])
      + [.launch(Request(poll: poll, deadline: deadline, job: .poll(job)), due: due)]
  }

  /// What bluetoothd remembers of a module that fails alike again and again may be what is wrong. Not often: to be looked for anew
  /// takes a scan, which is in the way of every other module.
  private func shallForget(at now: Instant) -> Bool {
    guard let alike, alike.link == .bluez, alike.failure.mayComeOfOldKnowledge, alike.polls >= config.settings.forgetAfter,
      !isLeftAlone
    else { return false }
    return forgotAt.map { now - $0 >= config.settings.forgetEvery } ?? true
  }

  private var isLeftAlone: Bool { foundTaken >= config.settings.yieldAfter }

  // MARK: - A poll ends

  private mutating func conclude(_ outcome: PollOutcome, since: Instant, at now: Instant, jitter: Double) -> [Action] {
    var actions = [Action.report(outcome)]
    actions += count(outcome)
    actions += countTaken(outcome)
    for device in config.devices {
      memory[device.name]?.learn(outcome.answers[device.name], notes: outcome.done?.blocks[device.name], at: now)
    }
    adoptNext()
    // It may have waited for a session first.
    let begun = max(since, now - outcome.lasted)
    let until = since + config.settings.backOff.pause(interval: config.interval, failures: failures, jitter: jitter)
    guard outcome.needsRelease else {
      // A worker that said how its link ended has accounted for it.
      if outcome.done != nil { mayStand = false }
      state = .resting(until: upcoming(after: until, begun: begun, at: now))
      return actions + rest()
    }
    mayStand = true
    state = .releasing(poll: outcome.poll, until: until, begun: begun)
    let release = Request(poll: outcome.poll, deadline: Self.releaseDeadline, job: .release(config.module))
    return actions + [.step(.release), .release(release)]
  }

  /// Failures in a row, and what follows from them.
  private mutating func count(_ outcome: PollOutcome) -> [Action] {
    let before = failures
    let failure = outcome.failure
    holdsSessions = !outcome.succeeded && (outcome.blamesModule || outcome.lasted > Self.longFailure)
    waitsForHost = !outcome.succeeded && !outcome.blamesModule && (failure?.whose == .bus || failure?.whose == .adapter)
    if outcome.succeeded {
      (failures, alike) = (0, nil)
    } else if outcome.blamesModule {
      failures += 1
      if let failure {
        let isAlike = alike?.failure == failure && alike?.link == outcome.linkedBy
        alike = Alike(failure: failure, link: outcome.linkedBy, polls: isAlike ? (alike?.polls ?? 0) + 1 : 1)
      }
    }
    if let found = outcome.done?.learned {
      // By bluetoothd's link no more than a name is learned: what the kernel's link needs is still so.
      let isName = found == Learned(name: found.name)
      learned = isName ? found.name.map { (learned ?? Learned()).named($0) } ?? learned : found
    }
    var actions: [Action] = []
    if failures >= Self.doubtfulAfter {
      if failures == Self.doubtfulAfter, learned != nil { actions.append(.step(.learnAnew)) }
      learned = nil
    }
    // Another adapter may do where this one is off or gone.
    if outcome.answers.values.contains(where: { $0.failure?.failure.whose == .adapter }) { learned?.adapter = nil }
    if failures == 0, before > 0 { actions.append(.settle(.moduleFailing)) }
    if outcome.succeeded { actions.append(.settle(.releaseFailed)) }
    if failures > before, let report = outcome.report,
      config.settings.backOff.isSlowest(interval: config.interval, failures: failures)
    {
      let wasSlowest = config.settings.backOff.isSlowest(interval: config.interval, failures: before)
      if !wasSlowest { actions.append(.step(.slowest)) }
      actions.append(
        .raise(
          .moduleFailing, message: "\(failures) polls in a row failed, the last: \(report.message)",
          advice: report.failure.advice))
    }
    return actions
  }

  /// Another program's link is freed, as one that a killed worker left would be. One that is there again and again is not: two that
  /// take the module from each other both get nothing.
  private mutating func countTaken(_ outcome: PollOutcome) -> [Action] {
    let wasLeftAlone = isLeftAlone
    if outcome.done?.foundStanding == true {
      if !mayStand || wasLeftAlone { foundTaken = min(foundTaken + 1, config.settings.yieldAfter) }
    } else if outcome.done != nil, outcome.stage >= .connect {
      foundTaken = 0
    }
    if isLeftAlone, !saysTaken {
      saysTaken = true
      return [
        .step(.leaveAlone),
        .raise(
          .inUse,
          message: """
            Another program on this host uses it: \(config.settings.yieldAfter) polls in a row found it connected. It is left alone until \
            that has ended.
            """, advice: Failure.busy.advice),
      ]
    }
    guard foundTaken == 0, saysTaken else { return [] }
    saysTaken = false
    return [.settle(.inUse)]
  }

  private func settle(releasing failure: FailureReport?) -> [Action] {
    guard let failure else { return [.settle(.releaseFailed)] }
    // By us, at our own end.
    guard failure.failure != .stopped else { return [] }
    return [.raise(.releaseFailed, message: failure.message, advice: failure.failure.advice)]
  }

  // MARK: - Rest

  /// `until`, or the next of its kind that is still to come: an overdue poll is skipped, not stacked. Those that were due before the
  /// last one's worker was launched waited for a session with it.
  private mutating func upcoming(after until: Instant, begun: Instant, at now: Instant) -> Instant {
    guard config.interval > .zero, now > until else { return until }
    let missed = ((now - until) / config.interval).rounded(.up)
    let waited = max(0, ((begun - until) / config.interval).rounded(.up))
    skipped += Int(missed - min(missed, waited))
    return until + config.interval * missed
  }

  private func rest() -> [Action] {
    if case .resting(let until) = state { [.sleep(until: until)] } else { [] }
  }

  /// The settings that it will have when nothing runs.
  package var latest: ModuleConfig { next ?? config }

  private mutating func adoptNext() {
    guard let config = next else { return }
    let old = Dictionary(uniqueKeysWithValues: self.config.devices.map { ($0.name, $0) })
    let sameName = config.module.name == self.config.module.name
    // A device that is another one now has nothing to remember.
    memory = Dictionary(
      uniqueKeysWithValues: config.devices.map { device in
        // By another advertised name it may be found to be something else.
        let isSame = old[device.name].map { $0.profile == device.profile && $0.unit == device.unit && sameName } ?? false
        return (device.name, isSame ? memory[device.name] ?? DeviceMemory() : DeviceMemory())
      })
    if config.module.adapter != self.config.module.adapter { learned?.adapter = nil }
    self.config = config
    next = nil
  }
}

extension ModuleMachine {
  /// At which ages its devices' readings change their status.
  package var freshnessLimits: Freshness.Limits {
    Freshness.Limits(interval: config.interval, deadline: deadline, cacheFor: config.cacheFor, grace: config.grace)
  }

  /// By which adapter its polls go, where that is known.
  package var adapter: String? { config.module.adapter ?? learned?.adapter }
}

extension ModuleMachine {
  /// What a later process needs of it.
  package struct Keepsake: Equatable, Sendable, Codable {
    var failures: Int
    var learned: Learned?
    var devices: [String: DeviceMemory.Keepsake]
    var forgotAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
      case failures, learned, devices
      case forgotAt = "forgot_at"
    }
  }

  package func keepsake(_ clock: ClockReading) -> Keepsake {
    Keepsake(
      failures: failures, learned: learned, devices: memory.mapValues { $0.keepsake(clock) },
      forgotAt: forgotAt.map { clock.stamp(of: $0) })
  }

  package init(_ config: ModuleConfig, firstPoll: Instant, keepsake: Keepsake, clock: ClockReading) {
    self.init(config, firstPoll: firstPoll)
    failures = min(max(0, keepsake.failures), 1_000_000_000)
    holdsSessions = failures > 0
    learned = keepsake.learned
    if config.module.adapter != nil { learned?.adapter = nil }
    for (name, kept) in keepsake.devices where memory[name] != nil { memory[name] = DeviceMemory(kept, clock: clock) }
    forgotAt = keepsake.forgotAt.flatMap { clock.instant(of: $0) }.map { min($0, clock.instant) }
  }
}
