import FoundationEssentials
package import Logging
package import Policy
import Readings

/// One running supervisor: performs what the module machines decide, and publishes what it knows. Decides nothing.
package actor Gateway {
  package nonisolated let config: GatewayConfig
  /// The newest state after every change; for one consumer. Who comes late misses only what is old.
  package nonisolated let statuses: AsyncStream<FleetStatus>
  private nonisolated let publish: AsyncStream<FleetStatus>.Continuation
  private let worker: WorkerCommand
  private let log: Logger
  private let jitter: @Sendable () -> Double
  private let clock = ContinuousClock()
  private let stopping = Stopping()
  private var machines: [Address: ModuleMachine]
  private var records: [String: DeviceRecord]
  private var reports: [String: StatusReport] = [:]
  private var problems: [Address: Problem] = [:]
  private var hasToldFallback = false
  private var sessions = Sessions()
  private var sleepers: [Address: Task<Void, Never>] = [:]
  private var wishes: Set<Address> = []
  private var waiting: [Address: [CheckedContinuation<Void, Never>]] = [:]
  /// Devices that have been read since the start.
  private var read: Set<String> = []
  private var whenAllRead: (@Sendable (FleetStatus) -> Void)?

  /// - Parameter jitter: -1...1, for the back-off.
  package init(
    _ config: GatewayConfig, worker: WorkerCommand, log: Logger,
    jitter: @escaping @Sendable () -> Double = { .random(in: -1...1) }
  ) {
    self.config = config
    self.worker = worker
    self.log = log
    self.jitter = jitter
    let now = clock.now
    let modules = config.modules
    machines = Dictionary(
      uniqueKeysWithValues: modules.enumerated().map { index, module in
        let offset = GatewayConfig.firstPoll(index, of: modules.count, interval: module.interval)
        return (module.module.address, ModuleMachine(module, firstPoll: now + offset))
      })
    records = Dictionary(uniqueKeysWithValues: config.devices.map { ($0.name, DeviceRecord($0, start: now)) })
    (statuses, publish) = AsyncStream.makeStream(of: FleetStatus.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Polls until cancelled. Then every worker is stopped and its link freed, within 4.5 s.
  package func run() async {
    await withTaskCancellationHandler {
      await withTaskGroup(of: Void.self) { group in
        for address in machines.keys { group.addTask { await self.drive(address, once: false) } }
        group.addTask { await self.watch() }
      }
    } onCancel: {
      stopping.begin()
    }
    publish.finish()
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
      return await Gateway(part, worker: worker, log: log, jitter: jitter).pollOnce(whenAllRead: whenAllRead)
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

  package func snapshot() -> FleetStatus {
    let now = clock.now
    let devices = config.devices.compactMap { device -> DeviceStatus? in
      guard let record = records[device.name], let machine = machines[device.address] else { return nil }
      return record.status(limits: machine.freshnessLimits, deadline: machine.deadline, at: now)
    }
    return FleetStatus(
      gateway: config.name, devices: devices, problems: problems.values.sorted { $0.address.text < $1.address.text })
  }

  // MARK: One module

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
        case .releaseFailed(let report): noteReleaseFailed(report, of: address)
        case .sleep(let until):
          sessions.leave(address, adapter: adapter(of: address))
          finishWishes(of: address)
          if !once { next = await rest(address, until: until) }
        }
      }
      // Cancelled: what was launched has ended by now, and a link that may be left has been freed.
      guard let next else { break }
      event = next
    }
    sessions.leave(address, adapter: adapter(of: address))
    finishWishes(of: address)
  }

  private func decide(_ address: Address, _ event: ModuleMachine.Event) -> [ModuleMachine.Action] {
    machines[address]?.handle(event, at: clock.now, jitter: jitter()) ?? []
  }

  /// `nil`: cancelled before its turn came.
  private func launch(_ request: Request, of address: Address, due: Instant) async -> ModuleMachine.Event? {
    let isFailing = (machines[address]?.failures ?? 0) > 0
    let admitted = await withTaskCancellationHandler {
      await sessions(enter: address, due: due, isFailing: isFailing)
    } onCancel: {
      Task { await self.withdraw(address) }
    }
    guard admitted, !Task.isCancelled else { return nil }
    return .finished(
      await PollRunner(worker: worker, log: log).poll(request) { await self.note($0, of: address) })
  }

  private func sessions(enter address: Address, due: Instant, isFailing: Bool) async -> Bool {
    await withCheckedContinuation { turn in
      guard !Task.isCancelled else { return turn.resume(returning: false) }
      sessions.enter(address, adapter: adapter(of: address), due: due, isFailing: isFailing, turn: turn)
    }
  }

  private func withdraw(_ address: Address) { sessions.withdraw(address, adapter: adapter(of: address)) }

  private func adapter(of address: Address) -> String? { machines[address]?.config.module.adapter }

  /// Not stopped by cancellation as such: it is what cleans up after it. It ends in time for the whole to end in time.
  private func release(_ request: Request) async -> FailureReport? {
    let runner = PollRunner(worker: worker, grace: Stopping.releaseGrace, log: log)
    let releasing = Task { await runner.release(request) }
    let stopping = stopping
    return await withTaskCancellationHandler {
      await releasing.value
    } onCancel: {
      Task {
        try? await Task.sleep(until: stopping.begin() + Stopping.releasesUntil, clock: .continuous)
        releasing.cancel()
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
    guard machines[address] != nil, !stopping.hasBegun else { return }
    await withCheckedContinuation { continuation in
      waiting[address, default: []].append(continuation)
      wishes.insert(address)
      sleepers[address]?.cancel()
    }
  }

  /// The module rests: what was wished for during its poll has come.
  private func finishWishes(of address: Address) {
    wishes.remove(address)
    for continuation in waiting.removeValue(forKey: address) ?? [] { continuation.resume() }
  }

  // MARK: What is known

  private func note(_ readings: DeviceReadings, of address: Address) {
    guard let machine = machines[address] else { return }
    records[readings.device]?.note(readings, limits: machine.freshnessLimits, at: clock.now, wall: Date())
    tell()
    publish.yield(snapshot())
    read.insert(readings.device)
    guard read.count == config.devices.count, let whenAllRead else { return }
    self.whenAllRead = nil
    whenAllRead(snapshot())
  }

  private func note(_ outcome: PollOutcome, of address: Address) {
    guard let machine = machines[address] else { return }
    let now = clock.now
    for device in machine.config.devices {
      records[device.name]?.note(outcome, limits: machine.freshnessLimits, at: now, wall: Date())
    }
    if outcome.succeeded, problems.removeValue(forKey: address) != nil { log.notice("\(address)'s link is free again") }
    if machine.config.link == .auto, outcome.linkedBy == .bluez, !hasToldFallback {
      hasToldFallback = true
      log.notice("the kernel's own links are not to be had here: links are bluetoothd's (link: auto)")
    }
    if outcome.done?.foundStanding == true {
      log.notice("\(address) was connected by another program, or by a worker that was killed; that link was freed")
    }
    let failure = outcome.answers.values.lazy.compactMap(\.failure).first ?? outcome.trouble
    log.debug(
      "polled",
      metadata: [
        "poll": "\(outcome.poll)", "ok": "\(outcome.succeeded)", "ms": "\(outcome.lasted.milliseconds)",
        "stage": "\(outcome.stage)", "failure": "\(failure?.failure.rawValue ?? "none")",
      ])
    tell()
    publish.yield(snapshot())
  }

  private func noteReleaseFailed(_ report: FailureReport, of address: Address) {
    guard report.failure != .stopped else { return }  // by us, at our own end
    if problems[address] == nil {
      log.error("\(address)'s link could not be freed: \(report.message)", metadata: ["advice": "\(report.failure.advice)"])
    }
    problems[address] = Problem(
      .releaseFailed, address: address, message: report.message, advice: report.failure.advice)
    publish.yield(snapshot())
  }

  /// Age alone changes a status too: looked at once a second, published where it did.
  private func watch() async {
    while (try? await Task.sleep(for: .seconds(1), clock: .continuous)) != nil {
      if tell() { publish.yield(snapshot()) }
    }
  }

  /// Logs each device whose status changed. `true`: there was one.
  @discardableResult private func tell() -> Bool {
    let now = clock.now
    var changed = false
    for status in snapshot().devices
    where reports[status.name]?.status != status.status || reports[status.name]?.available != status.available {
      // Before its first poll has ended there is nothing to say of a device.
      if status.age == nil, status.failure == nil { continue }
      let report = StatusReport(status: status.status, available: status.available, since: now)
      log.notice("\(report.text(of: status, after: reports[status.name]))")
      reports[status.name] = report
      changed = true
    }
    return changed
  }
}
