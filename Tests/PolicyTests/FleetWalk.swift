import Chance
import FoundationEssentials
import Policy
import Readings
import Testing

/// A gateway's machines in a world that misbehaves, driven by a clock of its own: a year of it takes seconds. What DESIGN's invariants
/// say of policy is asserted at every step, against books that this walk keeps by itself.
struct FleetWalk {
  /// One module's true state, and what it has really said.
  private struct Truth {
    var adapter: String
    var machine: ModuleMachine
    var record: DeviceRecord
    var failureRate: Double
    /// Until when it does not answer at all.
    var deadUntil: Instant
    /// Until when another program takes it.
    var takenUntil: Instant
    /// The poll that runs, its deadline, and whether it counts as one that fails.
    var open: (poll: String, isFailing: Bool)?
    var releasing = false
    /// A worker ended that may have left a link, and nobody was sent to free it yet.
    var owesRelease = false
    var lastRead: (at: Instant, value: Double)?
    var lastSucceeded = false
    var polls: [Bool] = []
    /// Failures in a row by the module itself, as the books have it.
    var failures = 0
    var launched: Instant?
    var lastStart: Instant?
    var forgot: Instant?
    var alike: (failure: Failure, count: Int)?
    var found = 0
    /// Whether a link that is found cannot be of a worker of ours.
    var foundCounts = false
    var due: Instant?
  }

  private enum Happening {
    case woke, finished(PollOutcome), released, probe, busGoes, busComes, adapterGoes(String), adapterComes(String), restart,
      resetEnds(String)
  }

  private struct Event {
    var at: Instant
    var order: Int
    var module: Address?
    var life: Int
    var what: Happening
  }

  private var dice: Dice
  private let settings: PolicySettings
  private let interval: Duration
  private let config: GatewayConfig
  private var now = Sample.start
  private let wallStep: Double
  private let reboots: Bool
  private var truths: [Address: Truth] = [:]
  private var pools: [String: AdapterPool] = [:]
  private var adapters: [String: AdapterMachine] = [:]
  private var outage: OutageMachine
  private var busIsAway = false
  private var away: Set<String> = []
  private var queue = Heap()
  private var order = 0
  private var reading = 0.0
  /// Processes so far: what an earlier one still had to come does not reach a later one.
  private var life = 0
  private var boot = 0
  /// Each boot counts from its own beginning.
  private var bootedAt = Sample.start
  private var resetting: [String: Request] = [:]
  private var resets: [String: [Instant]] = [:]
  private var lastSuccess: [String: Instant] = [:]
  private(set) var polls = 0
  private(set) var seen: [String: Int] = [:]
  /// Of all that was decided, in order.
  private(set) var trace: UInt64 = 0xcbf2_9ce4_8422_2325

  /// - Parameter wallStep: hours by which the wall clock is wrong, and by which it jumps now and then.
  init(seed: UInt64, modules: Int = 6, interval: Duration = .seconds(300), wallStep: Double = 0, reboots: Bool = true) throws {
    dice = Dice(seed: seed)
    self.interval = interval
    self.wallStep = wallStep
    self.reboots = reboots
    var settings = PolicySettings()
    settings.resetsAdapter = true
    self.settings = settings
    outage = OutageMachine(.bus, every: settings.probeEvery)
    var devices: [DeviceConfig] = []
    for number in 0..<modules {
      let address = try #require(Address("D8:B6:73:BF:4F:\(number < 10 ? "0" : "")\(number)"))
      devices.append(
        DeviceConfig(name: "Device \(number)", address: address, profile: "inverter", adapter: "hci\(number % 2)", link: .bluez))
    }
    config = GatewayConfig(name: "cabin", interval: interval, settings: settings, devices: devices)
    start(memory: FleetMemory(), elapsed: .zero)
    for adapter in ["hci0", "hci1"] { schedule(.adapterGoes(adapter), after: 86_400) }
    schedule(.busGoes, after: 86_400)
    schedule(.restart, after: 300_000)
  }

  /// Lives on for so long.
  mutating func run(for duration: Duration) throws {
    let end = now + duration
    while let event = queue.pop() {
      guard event.at <= end else {
        queue.push(event)
        return
      }
      now = max(now, event.at)
      guard event.life == life else { continue }
      try handle(event)
    }
  }

  // MARK: - The world

  private mutating func schedule(_ what: Happening, after seconds: Double, of module: Address? = nil) {
    schedule(what, at: now + .milliseconds(Int64(Double.random(in: 0...2, using: &dice) * seconds * 1000)), of: module)
  }

  private mutating func schedule(_ what: Happening, at: Instant, of module: Address? = nil) {
    order += 1
    queue.push(Event(at: at, order: order, module: module, life: life, what: what))
  }

  private var wall: Date {
    let steps = Double((now - Sample.start).components.seconds / 40_000 % 3) * wallStep * 3600
    return Date(timeIntervalSince1970: 1_784_000_000 + (now - Sample.start).seconds + steps)
  }

  private func clock(isSynchronised: Bool = true) -> ClockReading {
    ClockReading(
      instant: now,
      stamp: Timestamp(
        boot: "boot-\(boot)", uptime: now - bootedAt,
        wall: Date(timeIntervalSince1970: 1_784_000_000 + (now - Sample.start).seconds),
        isSynchronised: isSynchronised))
  }

  private var addresses: [Address] { config.devices.map(\.address) }

  /// A process begins, `elapsed` after the last one's end.
  private mutating func start(memory: FleetMemory, elapsed: Duration) {
    life += 1
    now += elapsed
    let clock = clock()
    (pools, adapters, resetting) = ([:], [:], [:])
    outage = OutageMachine(.bus, every: settings.probeEvery)
    for (index, module) in config.modules.enumerated() {
      let address = module.module.address
      let adapter = module.module.adapter ?? "hci0"
      let first = now + GatewayConfig.firstPoll(index, of: config.modules.count, interval: interval)
      let device = module.devices[0]
      let kept = memory.devices[device.name]
      let old = truths[address]
      truths[address] = Truth(
        adapter: adapter,
        machine: memory.modules[address].map { ModuleMachine(module, firstPoll: first, keepsake: $0, clock: clock) }
          ?? ModuleMachine(module, firstPoll: first),
        record: kept.map { DeviceRecord(device, keepsake: $0, clock: clock) } ?? DeviceRecord(device, start: now),
        failureRate: old?.failureRate ?? [0.01, 0.3, 0.02, 0.8, 0.01, 0.1][index % 6], deadUntil: old?.deadUntil ?? now,
        takenUntil: old?.takenUntil ?? now, lastRead: old?.lastRead, polls: old?.polls ?? [], failures: old?.failures ?? 0,
        forgot: old?.forgot)
      adapters[adapter] =
        adapters[adapter]
        ?? AdapterMachine(
          adapter, modules: config.modules.filter { $0.module.adapter == adapter }.map(\.module.address), settings: settings,
          start: now, keepsake: memory.adapters[adapter], clock: clock)
      lastSuccess[adapter] = now
      schedule(.woke, at: first, of: address)
    }
  }

  private mutating func handle(_ event: Event) throws {
    switch event.what {
    case .woke: if let address = event.module { try decide(address, .woke) }
    case .finished(let outcome): if let address = event.module { try decide(address, .finished(outcome)) }
    case .released:
      if let address = event.module, let open = truths[address]?.open {
        truths[address]?.foundCounts = true
        try decide(address, .released(poll: open.poll, nil))
      }
    case .busGoes:
      busIsAway = true
      schedule(.busComes, after: 200)
    case .busComes:
      busIsAway = false
      schedule(.busGoes, after: 400_000)
    case .adapterGoes(let adapter):
      away.insert(adapter)
      schedule(.adapterComes(adapter), after: 1000)
    case .adapterComes(let adapter):
      away.remove(adapter)
      schedule(.adapterGoes(adapter), after: 400_000)
    case .probe: try look(.woke)
    case .resetEnds(let adapter):
      pools[adapter]?.leaveAlone()
      guard resetting.removeValue(forKey: adapter) != nil else { break }
      for action in adapters[adapter]?.handle(.reset(nil), at: now) ?? [] where action == .pollAll {
        for address in addresses where truths[address]?.adapter == adapter { try decide(address, .pollNow) }
      }
      try admit(adapter)
    case .restart: try restart()
    }
  }

  private mutating func restart() throws {
    count("restart")
    var memory = FleetMemory()
    let clock = clock()
    for (adapter, machine) in adapters { memory.adapters[adapter] = machine.keepsake(clock) }
    for (address, truth) in truths {
      memory.modules[address] = truth.machine.keepsake(clock)
      memory.devices[truth.record.config.name] = truth.record.keepsake(clock)
    }
    let read = FleetMemory(memory.documents)
    #expect(read.unread == 0)
    let elapsed = Duration.seconds(Double.random(in: 0...1500, using: &dice))
    if Bool.random(using: &dice), reboots {
      boot += 1
      bootedAt = now + elapsed * Double.random(in: 0...1, using: &dice)
    }
    let goesOn =
      [busIsAway ? Happening.busComes : .busGoes]
      + ["hci0", "hci1"].map { away.contains($0) ? .adapterComes($0) : .adapterGoes($0) }
    start(memory: read, elapsed: elapsed)
    for what in goesOn { schedule(what, after: 20_000) }
    schedule(.restart, after: 300_000)
    for address in addresses { try check(address, afterRestart: true) }
  }

  // MARK: - What the machines decide

  private mutating func decide(_ address: Address, _ event: ModuleMachine.Event) throws {
    let jitter = Double.random(in: -1...1, using: &dice)
    let before = truths[address]?.machine.failures ?? 0
    let actions = truths[address]?.machine.handle(event, at: now, jitter: jitter) ?? []
    for action in actions { try perform(action, address, before: before) }
  }

  private mutating func perform(_ action: ModuleMachine.Action, _ address: Address, before: Int) throws {
    guard var truth = truths[address] else { return }
    switch action {
    case .launch(let request, let due):
      mix(request.poll)
      guard case .poll(let job) = request.job else { return }
      #expect(truth.open == nil && !truth.releasing, "two polls of one module")
      #expect(request.deadline == Self.deadline(truth.failures), "\(truth.failures) failures: \(request.deadline)")
      if job.forgets {
        count("forget")
        #expect(truth.forgot.map { now - $0 >= settings.forgetEvery } ?? true, "forgotten too often")
        #expect((truth.alike?.count ?? 0) >= settings.forgetAfter, "forgotten without a reason")
        truth.forgot = now
      }
      #expect(job.yields == (truth.found >= settings.yieldAfter), "left alone or not: \(truth.found)")
      if job.yields { count("yield") }
      truth.open = (request.poll, truth.failures > 0)
      truth.due = due
      truth.launched = now
      truths[address] = truth
      pools[truth.adapter, default: AdapterPool()].ask(address, due: due, isFailing: truth.failures > 0)
      try admit(truth.adapter)
    case .release:
      #expect(truth.open != nil && !truth.releasing)
      truth.releasing = true
      truth.owesRelease = false
      truths[address] = truth
      count("release")
      schedule(.released, after: 2, of: address)
    case .report(let outcome): try note(outcome, address, before: before)
    case .sleep(let until):
      #expect(until - now <= max(interval, settings.backOff.longest) + .seconds(1))
      #expect(until >= now, "an overdue poll was stacked")
      #expect(!truth.owesRelease, "a link that may be left was not freed")
      if let start = truth.launched, truth.failures > settings.backOff.after {
        let doubled = interval * (1 << min(truth.failures - settings.backOff.after, 10))
        let least = min(doubled / 10 * 9, max(interval, settings.backOff.longest))
        #expect(until - start >= least - .milliseconds(1), "\(truth.failures) failures, and polled after \(until - start)")
      }
      if let start = truth.launched, truth.failures <= settings.backOff.after, until > start {
        // Exactly an interval after the last start, or so many of them.
        let rest = ((until - start) / interval).truncatingRemainder(dividingBy: 1)
        #expect(rest < 1e-6 || rest > 1 - 1e-6, "an interval of its own: \(rest)")
      }
      truth.open = nil
      truth.releasing = false
      truths[address] = truth
      schedule(.woke, at: until, of: address)
      pools[truth.adapter]?.leave(address)
      try admit(truth.adapter)
    case .raise(let name, _, _), .settle(let name): count(name.rawValue)
    case .step(let name): count(name.rawValue)
    }
  }

  /// Starts those whose turn it is.
  private mutating func admit(_ adapter: String) throws {
    guard let admission = pools[adapter]?.admit() else { return }
    if admission.alone {
      let running = truths.values.filter { $0.adapter == adapter && isRunning($0) }
      #expect(running.isEmpty, "reset while a session runs")
      for action in adapters[adapter]?.handle(.admitted, at: now) ?? [] {
        switch action {
        case .renounce:
          count("renounce")
          pools[adapter]?.leaveAlone()
          try admit(adapter)
        case .reset(let request):
          count("reset")
          let recent = (resets[adapter] ?? []).filter { now - $0 < .seconds(3600) }
          #expect(recent.count < settings.resetsPerHour, "reset too often")
          #expect(now - (lastSuccess[adapter] ?? now) >= settings.resetAfter, "reset while something works")
          resets[adapter] = recent + [now]
          resetting[adapter] = request
          schedule(.resetEnds(adapter), at: now + .seconds(9))
        default: break
        }
      }
      return
    }
    for address in admission.modules {
      guard var truth = truths[address], let open = truth.open else { continue }
      // At three sessions of 47 s at most nobody waits for long, whoever else hangs.
      if let due = truth.due, truth.failures == 0 {
        #expect(now - due < .seconds(180), "it starved for \(now - due)")
      }
      truth.lastStart = now
      truths[address] = truth
      let running = truths.values.filter { $0.adapter == adapter && isRunning($0) }
      #expect(running.count <= settings.sessions && running.count { $0.open?.isFailing == true } <= settings.failingSessions)
      let outcome = live(truth, poll: open.poll)
      schedule(.finished(outcome), at: now + outcome.lasted, of: address)
    }
  }

  private func isRunning(_ truth: Truth) -> Bool {
    guard truth.open != nil, let start = truth.lastStart, let due = truth.due else { return false }
    return start >= due
  }

  /// What a worker would come back with.
  private mutating func live(_ truth: Truth, poll: String) -> PollOutcome {
    polls += 1
    let name = truth.record.config.name
    func failed(_ failure: Failure, _ seconds: Double, at stage: Stage = .connect, found: Bool = false, killed: Bool = false)
      -> PollOutcome
    {
      PollOutcome(
        poll: poll, answers: [name: .failed(FailureReport(failure, at: stage, "It went wrong."))],
        done: killed ? nil : Done(link: .none, foundStanding: found), stage: stage, linkedBy: .bluez, lasted: .seconds(seconds),
        needsRelease: killed)
    }
    if busIsAway { return failed(.daemonMissing, 0.1, at: .bus) }
    if away.contains(truth.adapter) { return failed(.adapterOff, 0.1, at: .bus) }
    let roll = Double.random(in: 0...1, using: &dice)
    let kind = Int.random(in: 0..<100, using: &dice)
    if now < truth.takenUntil, truth.found >= settings.yieldAfter { return failed(.busy, 0.2, at: .release, found: true) }
    if now < truth.deadUntil { return failed(.servicesUnresolved, 20) }
    if roll < truth.failureRate {
      let dead = now + interval * 130
      if kind == 0 { truths[truth.record.config.address]?.deadUntil = dead }
      let failures: [Failure] = [
        .notSeen, .connectTimeout, .linkLost, .servicesUnresolved, .silent, .badFrames, .workerCrashed, .slots, .held,
      ]
      if kind < 5 { return failed(.workerTimedOut, 27, at: .read, killed: true) }
      return failed(failures[kind % failures.count], 15)
    }
    let taken = now + interval * 17
    if kind == 1 { truths[truth.record.config.address]?.takenUntil = taken }
    reading += 1
    let readings = DeviceReadings(
      device: name, profile: "inverter", unit: 32, model: nil, readings: ["battery_voltage": Reading(.number(reading), unit: "V")]
    )
    return PollOutcome(
      poll: poll, answers: [name: .readings(readings)], readAt: [name: .seconds(1)],
      done: Done(link: .closed, connectMs: 900, foundStanding: now < truth.takenUntil), stage: .disconnect, linkedBy: .bluez,
      lasted: .seconds(3))
  }

  // MARK: - What is known

  private mutating func note(_ outcome: PollOutcome, _ address: Address, before: Int) throws {
    guard var truth = truths[address] else { return }
    #expect(outcome.poll == truth.open?.poll)
    let limits = truth.machine.freshnessLimits
    truth.record.note(outcome, limits: limits, at: now, wall: wall)
    truth.polls = (truth.polls + [outcome.succeeded]).suffix(100)
    truth.lastSucceeded = outcome.succeeded
    let failure = outcome.failure
    if let value = outcome.answers.values.first?.readings?.readings["battery_voltage"], case .number(let number) = value.value {
      truth.lastRead = (now - .seconds(2), number)
      lastSuccess[truth.adapter] = now
      (truth.failures, truth.alike) = (0, nil)
    } else if failure?.whose == .module {
      truth.failures += 1
      let isAlike = truth.alike?.failure == failure
      truth.alike = failure.map { ($0, isAlike ? (truth.alike?.count ?? 0) + 1 : 1) }
    } else {
      #expect(truth.machine.failures == before, "\(String(describing: failure)) was blamed on the module")
    }
    if outcome.done?.foundStanding == true {
      // The first of a process, and those after a killed worker, may be ours.
      if truth.foundCounts || truth.found >= settings.yieldAfter { truth.found = min(truth.found + 1, settings.yieldAfter) }
    } else if outcome.done != nil, outcome.stage >= .connect {
      truth.found = 0
    }
    truth.foundCounts = !outcome.needsRelease
    truth.owesRelease = outcome.needsRelease
    truths[address] = truth
    try check(address, afterRestart: false)
    // A bus that goes and comes says nothing of the modules: those that waited are polled as soon as it is there.
    try look(.polled(outcome))
    for action in adapters[truth.adapter]?.handle(.polled(address, outcome), at: now) ?? [] {
      guard action == .want else { continue }
      pools[truth.adapter]?.askAlone()
      try admit(truth.adapter)
    }
  }

  private mutating func look(_ event: OutageMachine.Event) throws {
    for action in outage.handle(event, at: now) {
      switch action {
      case .sleep(let until): schedule(.probe, at: until)
      case .probe:
        let missing = FailureReport(.daemonMissing, at: .bus, "bluetoothd is not running.")
        try look(.probed(busIsAway ? .failure(missing) : .success(Probe(adapters: []))))
      case .away: count("away")
      case .back: count("back")
      case .pollWaiting:
        for address in addresses where truths[address]?.machine.waitsForHost == true {
          try decide(address, .pollNow)
        }
      }
    }
  }

  /// What anybody sees of it now: nothing that was not read, and available by the age of the last real readings alone.
  private mutating func check(_ address: Address, afterRestart: Bool) throws {
    guard let truth = truths[address] else { return }
    let limits = truth.machine.freshnessLimits
    let status = truth.record.status(limits: limits, deadline: truth.machine.deadline, at: now)
    mix(status.status.rawValue)
    let age = truth.lastRead.map { now - $0.at }
    let isAvailable = age.map { $0 <= limits.grace } ?? false
    // Stored to the millisecond.
    let isNearLimit = [limits.cache, limits.grace].contains { limit in
      age.map { ($0 - limit).magnitude < .milliseconds(20) } ?? false
    }
    if !isNearLimit {
      #expect(status.available == isAvailable, "available \(status.available) at \(String(describing: age))")
      if isAvailable, let read = truth.lastRead, let age {
        #expect(status.readings["battery_voltage"]?.value == .number(read.value), "a value that was not the last one read")
        #expect(((status.age ?? .zero) - age).magnitude < .milliseconds(20))
      } else {
        #expect(status.readings.isEmpty)
      }
      #expect(status.status != .connected || (truth.lastSucceeded && !afterRestart), "connected without a success")
    }
    if let rate = status.successRate {
      #expect(abs(rate - Double(truth.polls.count { $0 }) / Double(truth.polls.count)) < 1e-9)
    }
    let share = status.availability ?? 0
    #expect(share >= 0 && share <= 1)
  }

  private static func deadline(_ failures: Int) -> Duration {
    failures <= 2 ? .seconds(25) : .seconds(min(25 + 5 * failures, 45))
  }

  private mutating func count(_ what: String) { seen[what, default: 0] += 1 }

  private mutating func mix(_ text: String) {
    for byte in text.utf8 { trace = (trace ^ UInt64(byte)) &* 0x100_0000_01b3 }
    trace = (trace ^ UInt64(bitPattern: (now - Sample.start).milliseconds)) &* 0x100_0000_01b3
  }

  // MARK: - The queue

  private struct Heap {
    private var events: [Event] = []

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
      (events[left].at, events[left].order) < (events[right].at, events[right].order)
    }

    mutating func push(_ event: Event) {
      events.append(event)
      var child = events.count - 1
      while child > 0, isBefore(child, (child - 1) / 2) {
        events.swapAt(child, (child - 1) / 2)
        child = (child - 1) / 2
      }
    }

    mutating func pop() -> Event? {
      guard !events.isEmpty else { return nil }
      events.swapAt(0, events.count - 1)
      let first = events.removeLast()
      var parent = 0
      while true {
        var least = parent
        for child in [2 * parent + 1, 2 * parent + 2] where child < events.count && isBefore(child, least) { least = child }
        guard least != parent else { return first }
        events.swapAt(parent, least)
        parent = least
      }
    }
  }
}

extension Duration {
  fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
