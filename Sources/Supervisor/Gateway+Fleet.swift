import FoundationEssentials
import Logging
package import Policy
package import Readings

/// What the gateway knows, and what it says of it.
extension Gateway {
  package func snapshot() -> FleetStatus {
    let now = clock.now
    let devices = config.devices.compactMap { status(of: $0, at: now) }
    return FleetStatus(
      gateway: config.name, uptime: now - origin.instant, skippedPolls: machines.values.reduce(skippedByGone) { $0 + $1.skipped },
      lagP99: tally.lag(0.99).map { max(0, $0.milliseconds) },
      descriptors: Spawner.shared.ownDescriptors.map { max(0, $0) },
      strays: strays + Spawner.shared.leftCount, devices: devices, problems: problems.all, steps: steps)
  }

  private func status(of device: DeviceConfig, at now: Instant) -> DeviceStatus? {
    guard let record = records[device.name], let machine = machines[device.address] else { return nil }
    var status = record.status(limits: machine.freshnessLimits, deadline: machine.deadline, at: now)
    status.interval = machine.config.interval
    return status
  }

  /// What is to outlive this process.
  package func memory() -> FleetMemory {
    var memory = FleetMemory()
    memory.devices = records.mapValues { $0.keepsake(origin) }
    memory.modules = machines.mapValues { $0.keepsake(origin) }
    memory.adapters = adapters.mapValues { $0.keepsake(origin) }
    memory.events = events
    return memory
  }

  // MARK: A poll

  func note(_ readings: DeviceReadings, of address: Address) {
    guard let machine = machines[address], let device = asked[address]?.devices.first(where: { $0.name == readings.device }),
      records[device.name]?.isOf(device) == true
    else { return }
    records[readings.device]?.note(
      readings, limits: machine.freshnessLimits, at: clock.now, wall: host.wall(), isSynchronised: host.isSynchronised())
    tell([device])
    changed.yield()
    read.insert(readings.device)
    guard read.count == config.devices.count, let whenAllRead else { return }
    self.whenAllRead = nil
    whenAllRead(snapshot())
  }

  func note(_ outcome: PollOutcome, of address: Address) {
    guard let machine = machines[address], let asked = asked[address] else { return }
    let now = clock.now
    // Of a device that was replaced meanwhile by another one of its name the poll says nothing.
    let devices = asked.devices.filter { records[$0.name]?.isOf($0) == true }
    for device in devices {
      records[device.name]?.note(
        outcome, limits: machine.freshnessLimits, at: now, wall: host.wall(), isSynchronised: host.isSynchronised())
    }
    noteEvents(outcome, of: devices)
    tellPolled(outcome, devices, deadline: deadlines[address] ?? .zero, at: now)
    if outcome.failure != .stopped {
      tally.note(success: outcome.succeeded, lasted: outcome.lasted, lag: lags[address] ?? .zero)
    }
    if machine.config.link == .auto, outcome.linkedBy == .bluez, !hasToldFallback {
      hasToldFallback = true
      log.notice("the kernel's own links are not to be had here: links are bluetoothd's (link: auto)")
    }
    tellTaken(outcome, address)
    tellStrays(outcome, address)
    let failure = outcome.answers.values.lazy.compactMap(\.failure).first ?? outcome.trouble
    log.debug(
      "polled",
      metadata: [
        "poll": "\(outcome.poll)", "ok": "\(outcome.succeeded)", "ms": "\(outcome.lasted.milliseconds)",
        "stage": "\(outcome.stage)", "failure": "\(failure?.failure.rawValue ?? "none")",
      ])
    noteHost(outcome, of: asked)
    tell(devices)
    changed.yield()
  }

  private func tellPolled(_ outcome: PollOutcome, _ devices: [DeviceConfig], deadline: Duration, at now: Instant) {
    for device in devices {
      guard let answer = outcome.answers[device.name] else { continue }
      // What was accepted of what was read: a lifetime counter that falls is not.
      let accepted = answer.readings == nil ? nil : status(of: device, at: now)
      guard let polled = PolledDevice(device, answer, accepted, of: outcome, deadline: deadline, at: now) else { continue }
      whenPolled(polled)
    }
  }

  private func noteEvents(_ outcome: PollOutcome, of devices: [DeviceConfig]) {
    let wall = host.wall()
    for device in devices {
      if let answer = outcome.answers[device.name] { counts[device.name, default: PollCounts()].note(answer) }
      switch outcome.answers[device.name] {
      case .readings: events.noteSuccess(of: device, at: wall)
      // That we stopped it is no news of the device.
      case .failed(let report) where report.failure != .stopped: events.note(FleetEvent(report, of: device, at: wall))
      case .failed, nil: break
      }
    }
  }

  /// Said when it begins; that it is over is said where it had become a problem.
  private func tellTaken(_ outcome: PollOutcome, _ address: Address) {
    guard let done = outcome.done else { return }
    if !done.foundStanding {
      taken.remove(address)
    } else if taken.insert(address).inserted {
      log.notice("\(address) was connected by another program, or by a worker that was killed; that link was freed")
    }
  }

  /// They are killed, and no poll suffers; but a worker has no business with them.
  private func tellStrays(_ outcome: PollOutcome, _ address: Address) {
    guard outcome.strays > 0 else { return settle(.workerStrays, address: address) }
    strays += outcome.strays
    raise(
      Problem(
        .workerStrays, address: address, message: "the worker left other processes; killed: \(outcome.strays)",
        advice: "This is a bug of the worker's; it costs no readings."))
  }

  // MARK: Problems and steps

  /// What lasts is said when it begins.
  package func raise(_ problem: Problem) {
    let wall = host.wall()
    if problems.raise(problem, at: clock.now, wall: wall) {
      events.note(FleetEvent(problem, at: wall))
      log.log(
        level: problem.name.level,
        "\(problem.subject): \(problem.name.rawValue): \(problem.message)", metadata: ["advice": "\(problem.advice)"])
    }
    changed.yield()
  }

  /// And when it ends, with how long it lasted.
  package func settle(_ name: Problem.Name, address: Address? = nil, adapter: String? = nil) {
    guard let (problem, lasted) = problems.settle(name, address: address, adapter: adapter, at: clock.now) else { return }
    let text = "is over, after \(lasted.components.seconds) s"
    log.notice("\(problem.subject): \(name.rawValue) \(text)")
    events.note(
      FleetEvent(.settled, address: address, adapter: adapter, name: name.rawValue, message: text, at: host.wall()))
    changed.yield()
  }

  func note(_ step: LadderStep) {
    steps = steps.suffix(LadderStep.kept - 1) + [step]
    events.note(FleetEvent(step))
    log.info("\(step.address?.text ?? step.adapter ?? "the adapter"): \(step.name.rawValue)")
  }

  // MARK: The log

  /// Age alone changes a status too: looked at once a second, published where it did.
  func watch() async {
    while (try? await Task.sleep(for: .seconds(1), clock: .continuous)) != nil {
      tell(config.devices)
      let now = snapshot().devices.map { Shown(name: $0.name, status: $0.status, available: $0.available) }
      if now != shown { changed.yield() }
      shown = now
      noteAbandoned()
    }
  }

  /// A worker that not even SIGKILL ends is beyond us.
  private func noteAbandoned() {
    let count = Spawner.shared.abandonedCount
    guard count > 0 else { return settle(.workerAbandoned) }
    raise(
      Problem(
        .workerAbandoned,
        message: "\(count) worker\(count == 1 ? " has" : "s have") not ended after SIGKILL: the kernel holds them.",
        advice: "Look for a hung disk or driver (`dmesg`); if it stays, restart the host."))
  }

  /// One line for all polls of some minutes.
  func summarize() async {
    while true {
      let window = config.settings.summaryEvery
      guard (try? await Task.sleep(for: window, clock: .continuous)) != nil else { return }
      log.notice("in the last \(window.minutes): \(tally.text(of: snapshot().devices))")
      tally = PollTally()
    }
  }

  /// Logs each of these devices whose status is news.
  func tell(_ devices: [DeviceConfig]) {
    let now = clock.now
    for status in devices.compactMap({ status(of: $0, at: now) }) where StatusReport.isNews(status, after: reports[status.name]) {
      let report = StatusReport(status: status.status, available: status.available, since: now)
      let text = report.text(of: status, after: reports[status.name])
      log.notice("\(text)")
      events.note(
        FleetEvent(
          .status, device: status.name, address: status.address, name: status.status.rawValue, message: text, at: host.wall()))
      reports[status.name] = report
    }
  }

  /// What of a device changes with age alone.
  struct Shown: Equatable {
    var name: String
    var status: Freshness.Status
    var available: Bool
  }
}

extension Problem.Name {
  /// An error is the operator's to mend.
  fileprivate var level: Logger.Level { self == .workerStrays ? .warning : .error }
}

extension Duration {
  /// "10 min", "90 s"
  fileprivate var minutes: String {
    let seconds = components.seconds
    return seconds >= 60 && seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) s"
  }
}
