import FoundationEssentials
package import Logging
package import Policy
import Readings

/// One running supervisor: performs what the machines decide, and publishes what it knows. Decides nothing.
package actor Gateway {
  package private(set) var config: GatewayConfig
  nonisolated let changed = Changes()
  let worker: WorkerCommand
  let log: Logger
  let host: HostClock
  /// `nil`: transcripts are not kept.
  private let transcripts: TranscriptRing?
  /// Every clock at the start: what timestamps are reckoned by.
  let origin: ClockReading
  private let jitter: @Sendable () -> Double
  let whenPolled: @Sendable (PolledDevice) -> Void
  let clock = ContinuousClock()
  private let stopping = Stopping()
  /// What is to be done beside the modules that are driven already. Only while it runs.
  private let jobs: AsyncStream<Job>
  private let addJob: AsyncStream<Job>.Continuation

  var machines: [Address: ModuleMachine]
  var records: [String: DeviceRecord]
  var adapters: [String?: AdapterMachine]
  var outages: [OutageMachine.Subject: OutageMachine] = [:]
  var problems = Problems()
  var steps: [LadderStep] = []
  package internal(set) var events: EventLog
  var tally = PollTally()
  /// By device, since the start.
  package internal(set) var counts: [String: PollCounts] = [:]
  /// Of the poll that runs, or ran last: how the module was configured when it was asked for, and how late it began.
  var asked: [Address: ModuleConfig] = [:]
  var lags: [Address: Duration] = [:]
  var deadlines: [Address: Duration] = [:]
  var reports: [String: StatusReport] = [:]
  var shown: [Shown] = []
  /// Modules that were last found connected by somebody else.
  var taken: Set<Address> = []
  var hasToldFallback = false
  /// Processes that workers left and that were killed, since the start.
  var strays = 0
  /// Polls that modules skipped which are no longer there: a count only rises.
  var skippedByGone = 0
  /// Devices that have been read since the start.
  var read: Set<String> = []
  var whenAllRead: (@Sendable (FleetStatus) -> Void)?

  var sessions: Sessions
  private var drives: [Address: Task<Void, Never>] = [:]
  /// Modules that are no longer configured, and whose drive is ending.
  private var removed: Set<Address> = []
  private var sleepers: [Address: Task<Void, Never>] = [:]
  private var watched: Set<OutageMachine.Subject> = []
  private var wishes: Set<Address> = []
  private var waiting: [Address: [CheckedContinuation<Void, Never>]] = [:]
  private var runs = false

  private enum Job: Sendable {
    case drive(Address)
    case lookFor(OutageMachine.Subject)
    case reset(String?)
  }

  /// - Parameters:
  ///   - memory: what an earlier process left.
  ///   - jitter: -1...1, for the back-off.
  ///   - whenPolled: told what each poll came to, a device at a time. It is waited for: it must not wait itself.
  package init(
    _ config: GatewayConfig, memory: FleetMemory = FleetMemory(), worker: WorkerCommand, transcripts: TranscriptRing? = nil,
    log: Logger, host: HostClock = .real,
    jitter: @escaping @Sendable () -> Double = { .random(in: -1...1) },
    whenPolled: @escaping @Sendable (PolledDevice) -> Void = { _ in }
  ) {
    self.config = config
    self.worker = worker
    self.log = log
    self.host = host
    self.transcripts = transcripts
    self.jitter = jitter
    self.whenPolled = whenPolled
    let origin = host.read()
    self.origin = origin
    events = memory.events
    (jobs, addJob) = AsyncStream.makeStream(of: Job.self)
    let modules = config.modules
    machines = Dictionary(
      uniqueKeysWithValues: modules.enumerated().map { index, module in
        let first = origin.instant + GatewayConfig.firstPoll(index, of: modules.count, interval: module.interval)
        let kept = memory.modules[module.module.address]
        let machine =
          kept.map { ModuleMachine(module, firstPoll: first, keepsake: $0, clock: origin) }
          ?? ModuleMachine(module, firstPoll: first)
        return (module.module.address, machine)
      })
    records = Dictionary(
      uniqueKeysWithValues: config.devices.map { device in
        let kept = memory.devices[device.name].map { DeviceRecord(device, keepsake: $0, clock: origin) }
        return (device.name, kept ?? DeviceRecord(device, start: origin.instant))
      })
    adapters = config.modulesByAdapter.reduce(into: [:]) { adapters, group in
      adapters[group.key] = AdapterMachine(
        group.key, modules: group.value, settings: config.settings(of: group.key), start: origin.instant,
        keepsake: memory.adapters[group.key], clock: origin)
    }
    sessions = Sessions(config.settings)
  }

  /// The state, and the newest one after every change.
  package nonisolated var statuses: AsyncMapSequence<AsyncStream<Void>, FleetStatus> {
    changed.listen().map { await self.snapshot() }
  }

  /// Polls until cancelled. Then every worker is stopped and its link freed, within 4.5 s.
  package func run() async {
    runs = true
    events.note(FleetEvent(.started, message: "BluPow \(Wire.release) started", at: host.wall()))
    for address in config.modules.map(\.module.address) { addJob.yield(.drive(address)) }
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask { await self.watch() }
        group.addTask { await self.summarize() }
        for await job in jobs { group.addTask { await self.perform(job) } }
        group.cancelAll()
      }
    } onCancel: {
      stopping.begin()
    }
    runs = false
    changed.finish()
  }

  /// One supervised poll of every module, or of the devices named.
  ///
  /// - Parameter whenAllRead: called once, when every device has given its readings: the links are then still to be closed. Not
  ///   called where one fails.
  package func pollOnce(
    devices names: [String]? = nil, whenAllRead: @escaping @Sendable (FleetStatus) -> Void = { _ in }
  ) async -> FleetStatus {
    if let names {
      var part = config
      part.devices.removeAll { !names.contains($0.name) }
      return await Gateway(part, worker: worker, log: log, host: host, jitter: jitter).pollOnce(whenAllRead: whenAllRead)
    }
    self.whenAllRead = whenAllRead
    await withTaskCancellationHandler {
      await withTaskGroup(of: Void.self) { group in
        for address in machines.keys { group.addTask { await self.drive(address, once: true) } }
      }
    } onCancel: {
      stopping.begin()
    }
    return snapshot()
  }

  /// Asks a running gateway for a poll of the devices named (`nil`: all) now, and waits for its end. A poll that runs already is it.
  package func pollNow(devices names: [String]? = nil) async -> FleetStatus {
    let addresses = Set(config.devices.filter { names?.contains($0.name) ?? true }.map(\.address))
    await withTaskGroup(of: Void.self) { group in
      for address in addresses { group.addTask { await self.wish(address) } }
    }
    return snapshot()
  }

  // MARK: Another configuration

  /// Takes another configuration: devices that are new are polled from now on, those that are gone no longer, what has changed has
  /// effect with the next poll. What has not changed is not disturbed.
  package func adopt(_ new: GatewayConfig) {
    let now = clock.now
    let modules = new.modules
    let kept = Set(modules.map(\.module.address))
    config = new
    sessions.adopt(new.settings)
    for address in machines.keys where !kept.contains(address) {
      guard let drive = drives[address] else {
        forget(address)
        continue
      }
      removed.insert(address)
      drive.cancel()
    }
    for device in new.devices where records[device.name]?.adopt(device) != true {
      records[device.name] = DeviceRecord(device, start: now)
      reports[device.name] = nil
      events.endRow(of: device.name)
    }
    let names = Set(new.devices.map(\.name))
    for name in records.keys where !names.contains(name) { events.endRow(of: name) }
    records = records.filter { names.contains($0.key) }
    counts = counts.filter { names.contains($0.key) }
    reports = reports.filter { names.contains($0.key) }
    for module in modules {
      let address = module.module.address
      // One that is being ended begins anew when that is over.
      guard let machine = machines[address], !removed.contains(address) else {
        if machines[address] == nil { machines[address] = ModuleMachine(module, firstPoll: now) }
        if runs { addJob.yield(.drive(address)) }
        continue
      }
      guard machine.latest != module else { continue }
      _ = decide(address, .configured(module))
      sleepers[address]?.cancel()
    }
    arrangeAdapters(at: now)
    events.note(
      FleetEvent(
        .configured, message: "the configuration was read again: \(new.devices.count) devices behind \(modules.count) modules",
        at: host.wall()))
    changed.yield()
  }

  /// Each adapter that modules are counted with has its machine, which knows of just those; what is away and wanted by nobody is no
  /// problem any more.
  private func arrangeAdapters(at now: Instant) {
    let grouped = config.modulesByAdapter
    for (adapter, modules) in grouped {
      let settings = config.settings(of: adapter)
      if adapters[adapter]?.adopt(settings, modules: Set(modules)) == nil {
        adapters[adapter] = AdapterMachine(adapter, modules: modules, settings: settings, start: now)
      }
    }
    // One that nobody names keeps its count of resets.
    for adapter in adapters.keys where grouped[adapter] == nil {
      adapters[adapter]?.adopt(config.settings, modules: [])
      settle(.resetFailed, adapter: adapter)
    }
    let named = Set(config.modules.map(\.module.adapter))
    for subject in outages.keys {
      outages[subject]?.every = config.settings.probeEvery
      guard case .adapter(let adapter) = subject, !named.contains(adapter) else { continue }
      outages[subject] = nil
      settle(.adapterAway, adapter: adapter)
    }
  }

  // MARK: One module

  private func perform(_ job: Job) async {
    switch job {
    case .drive(let address): await begin(address)
    case .lookFor(let subject): await lookFor(subject)
    case .reset(let adapter): await reset(adapter)
    }
  }

  /// Drives a module in a task of its own, which ends when the module is no longer configured.
  private func begin(_ address: Address) async {
    let last = drives[address]
    if let last, !last.isCancelled { return }
    let drive = Task {
      await last?.value
      guard self.prepare(address, anew: last != nil) else { return }
      await self.drive(address, once: false)
    }
    drives[address] = drive
    await withTaskCancellationHandler {
      await drive.value
    } onCancel: {
      drive.cancel()
    }
    guard drives[address] == drive else { return }
    drives[address] = nil
    // Whoever added it again meanwhile has it begun anew.
    if removed.remove(address) != nil { forget(address) }
  }

  /// Before a module is driven. `false`: it is no longer configured.
  private func prepare(_ address: Address, anew: Bool) -> Bool {
    if anew { removed.remove(address) }
    guard let module = config.modules.first(where: { $0.module.address == address }) else {
      forget(address)
      return false
    }
    if anew { skippedByGone += machines[address]?.skipped ?? 0 }
    if anew || machines[address] == nil { machines[address] = ModuleMachine(module, firstPoll: clock.now) }
    return true
  }

  private func forget(_ address: Address) {
    skippedByGone += machines[address]?.skipped ?? 0
    machines[address] = nil
    (asked[address], lags[address], deadlines[address]) = (nil, nil, nil)
    problems.forget(address)
    taken.remove(address)
    finishWishes(of: address)
    changed.yield()
  }

  /// Performs what the module's machine decides, until cancelled or, with `once`, until it would rest.
  private func drive(_ address: Address, once: Bool) async {
    var event = once ? ModuleMachine.Event.pollNow : .woke
    while true {
      var next: ModuleMachine.Event?
      for action in decide(address, event) {
        switch action {
        case .launch(let request, let due): next = await launch(request, of: address, due: due)
        case .release(let request): next = .released(poll: request.poll, await release(request))
        case .report(let outcome): note(outcome, of: address)
        case .raise(let name, let message, let advice):
          raise(Problem(name, address: address, message: message, advice: advice))
        case .settle(let name): settle(name, address: address)
        case .step(let name): note(LadderStep(name, address: address, at: host.wall()))
        case .sleep(let until):
          sessions.leave(address)
          // Woken before its time it has not polled yet: a wish is still one.
          if event != .woke { finishWishes(of: address) }
          if !once { next = await rest(address, until: until) }
        }
      }
      // Cancelled: what was launched has ended by now, and a link that may be left has been freed.
      guard let next else { break }
      event = next
    }
    sessions.leave(address)
    finishWishes(of: address)
  }

  private func decide(_ address: Address, _ event: ModuleMachine.Event) -> [ModuleMachine.Action] {
    machines[address]?.handle(event, at: clock.now, jitter: jitter()) ?? []
  }

  /// `nil`: cancelled before its turn came.
  private func launch(_ request: Request, of address: Address, due: Instant) async -> ModuleMachine.Event? {
    asked[address] = machines[address]?.config
    let isFailing = machines[address]?.holdsSessions ?? false
    repeat {
      let admitted = await withTaskCancellationHandler {
        await enter(address, due: due, isFailing: isFailing)
      } onCancel: {
        Task { await self.withdraw(address) }
      }
      if admitted, !Task.isCancelled { break }
      // A withdrawal may have been meant for the module's drive before this one.
    } while !Task.isCancelled
    guard !Task.isCancelled else { return nil }
    // Time that the host slept is not ours.
    lags[address] = min(clock.now - due, machines[address]?.config.interval ?? .zero)
    deadlines[address] = request.deadline
    var request = request
    request.transcript = transcripts?.next(for: address, poll: request.poll)
    return .finished(
      await PollRunner(worker: worker, log: log).poll(request) { await self.note($0, of: address) })
  }

  private func enter(_ address: Address, due: Instant, isFailing: Bool) async -> Bool {
    await withCheckedContinuation { turn in
      guard !Task.isCancelled else { return turn.resume(returning: false) }
      sessions.enter(address, adapter: config.pool(of: asked[address]), due: due, isFailing: isFailing, turn: turn)
    }
  }

  private func withdraw(_ address: Address) { sessions.withdraw(address) }

  /// Not stopped by cancellation as such: it is what cleans up after it. It ends in time for the whole to end in time.
  private func release(_ request: Request) async -> FailureReport? {
    let runner = PollRunner(worker: worker, grace: Stopping.releaseGrace, log: log)
    return await cleaningUp { await runner.release(request) }
  }

  private func cleaningUp(_ body: @escaping @Sendable () async -> FailureReport?) async -> FailureReport? {
    let task = Task { await body() }
    let stopping = stopping
    return await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      Task {
        // One module that is removed has the time that a whole gateway's end has.
        let since = stopping.began ?? .now
        try? await Task.sleep(until: since + Stopping.releasesUntil, clock: .continuous)
        task.cancel()
      }
    }
  }

  private func rest(_ address: Address, until: Instant) async -> ModuleMachine.Event? {
    if wishes.contains(address) { return .pollNow }
    let sleeper = Task { _ = try? await Task.sleep(until: until, clock: .continuous) }
    sleepers[address] = sleeper
    await withTaskCancellationHandler {
      await sleeper.value
    } onCancel: {
      sleeper.cancel()
    }
    sleepers[address] = nil
    if Task.isCancelled { return nil }
    return wishes.contains(address) ? .pollNow : .woke
  }

  // MARK: Wishes

  private func wish(_ address: Address) async {
    guard machines[address] != nil, runs, !stopping.hasBegun else { return }
    await withCheckedContinuation { continuation in
      waiting[address, default: []].append(continuation)
      hurry(address)
    }
  }

  /// Polls the module now, if it rests.
  private func hurry(_ address: Address) {
    wishes.insert(address)
    sleepers[address]?.cancel()
  }

  /// The module rests: what was wished for during its poll has come.
  private func finishWishes(of address: Address) {
    wishes.remove(address)
    for continuation in waiting.removeValue(forKey: address) ?? [] { continuation.resume() }
  }

  // MARK: What no module can do without

  /// What an outcome says of bus and adapter.
  func noteHost(_ outcome: PollOutcome, of module: ModuleConfig) {
    guard runs else { return }
    let adapter = module.module.adapter
    var subjects: [OutageMachine.Subject] = [.bus, .adapter(adapter)].filter { outages[$0] != nil }
    if let failure = outcome.failure, let subject = OutageMachine.Subject(failure, adapter: adapter), !subjects.contains(subject)
    {
      outages[subject] = OutageMachine(subject, every: config.settings.probeEvery)
      subjects.append(subject)
    }
    for subject in subjects {
      for action in decide(subject, .polled(outcome)) { perform(action, for: subject) }
    }
    let pool = config.pool(of: module)
    decide(pool, .polled(module.module.address, outcome))
  }

  private func decide(_ subject: OutageMachine.Subject, _ event: OutageMachine.Event) -> [OutageMachine.Action] {
    outages[subject]?.handle(event, at: clock.now) ?? []
  }

  private func perform(_ action: OutageMachine.Action, for subject: OutageMachine.Subject) {
    switch action {
    case .away(let report):
      raise(
        Problem(subject.problem, adapter: subject.adapter, message: report.message, advice: report.failure.advice))
    case .back: settle(subject.problem, adapter: subject.adapter)
    case .pollWaiting:
      for (address, machine) in machines where machine.waitsForHost {
        if case .adapter(let adapter) = subject, machine.config.module.adapter != adapter { continue }
        hurry(address)
      }
    case .sleep: if watched.insert(subject).inserted { addJob.yield(.lookFor(subject)) }
    case .probe: break  // only in answer to `woke`, which is `lookFor`'s
    }
  }

  /// Looks for what is away until it is back.
  private func lookFor(_ subject: OutageMachine.Subject) async {
    var event = OutageMachine.Event.woke
    while !Task.isCancelled {
      var next: OutageMachine.Event?
      for action in decide(subject, event) {
        switch action {
        case .sleep(let until):
          guard (try? await Task.sleep(until: until, clock: .continuous)) != nil else { break }
          next = .woke
        case .probe: next = .probed(await probe())
        case .away, .back, .pollWaiting: perform(action, for: subject)
        }
      }
      guard let next else { break }
      event = next
    }
    watched.remove(subject)
  }

  private func probe() async -> Result<Probe, FailureReport> {
    await PollRunner(worker: worker, log: log).probe(Request(poll: "probe", deadline: .seconds(8), job: .probe))
  }

  private func decide(_ adapter: String?, _ event: AdapterMachine.Event) {
    for action in adapters[adapter]?.handle(event, at: clock.now) ?? [] {
      switch action {
      case .want: addJob.yield(.reset(adapter))
      case .step(let name): note(LadderStep(name, adapter: adapter, at: host.wall()))
      case .raise(let report):
        raise(Problem(.resetFailed, adapter: adapter, message: report.message, advice: report.failure.advice))
      case .settle: settle(.resetFailed, adapter: adapter)
      case .pollAll: for address in config.modulesByAdapter[adapter] ?? [] { hurry(address) }
      // In answer to `admitted`, which is `reset`'s.
      case .reset, .renounce: break
      }
    }
  }

  /// Switches an adapter off and on, when nobody uses it.
  private func reset(_ adapter: String?) async {
    let admitted = await withTaskCancellationHandler {
      await withCheckedContinuation { turn in
        guard !Task.isCancelled else { return turn.resume(returning: false) }
        sessions.enterAlone(adapter, turn: turn)
      }
    } onCancel: {
      Task { await self.withdrawResets() }
    }
    guard admitted else { return decide(adapter, .dropped) }
    var failure: FailureReport?
    for action in adapters[adapter]?.handle(.admitted, at: clock.now) ?? [] {
      switch action {
      case .step(let name): note(LadderStep(name, adapter: adapter, at: host.wall()))
      case .reset(let request):
        log.notice("nothing works on \(adapter ?? "the adapter") any more: it is switched off and on")
        failure = await PollRunner(worker: worker, log: log).reset(request)
      case .want, .renounce, .raise, .settle, .pollAll: break
      }
    }
    sessions.leaveAlone()
    decide(adapter, .reset(failure))
  }

  private func withdrawResets() { sessions.withdrawAlone() }
}

extension OutageMachine.Subject {
  var problem: Problem.Name {
    switch self {
    case .bus: .busAway
    case .adapter: .adapterAway
    }
  }

  var adapter: String? { if case .adapter(let name) = self { name } else { nil } }
}

extension GatewayConfig {
  /// The adapter whose sessions the module's count among. One that takes any is counted with those of the only one that is named.
  func pool(of module: ModuleConfig?) -> String? {
    if let named = module?.module.adapter { return named }
    let named = Set(devices.compactMap(\.adapter))
    return named.count == 1 ? named.first : nil
  }

  /// By the adapter that they are counted with.
  var modulesByAdapter: [String?: [Address]] {
    Dictionary(grouping: modules, by: { pool(of: $0) }).mapValues { $0.map(\.module.address) }
  }

  /// Which of several adapters a module that takes any would have used is not known: none is switched for it.
  func settings(of adapter: String?) -> PolicySettings {
    var settings = settings
    if adapter == nil, devices.contains(where: { $0.adapter != nil }) { settings.resetsAdapter = false }
    return settings
  }
}
