import ATT
import BlueZ
import Devices
import Readings

/// One poll of one module: one connection, all its devices.
final class PollSession {
  private let job: PollJob
  private let radio: Radio
  private var reporter: Reporter { radio.reporter }
  private var budget: Budget { radio.budget }
  /// Devices that have no line yet, in the order in which they are asked.
  private var waiting: [DeviceRequest]
  private var firstFailure: Failure?
  private var done = Done(link: .none)
  private var link: (any Carrier)?
  /// As the module advertises itself, where that is known or was asked for.
  private var name: String?
  /// Once a poll: a module that does not answer the question is read without.
  private var hasAskedName = false
  private static let naming = Duration.seconds(2)
  /// What carries its bytes.
  private var gatt = ModuleGATT.serialLine
  /// Held until the process ends.
  private var lock: ModuleLock?
  /// Only of a poll by the kernel's link.
  private var witness: Witness?
  /// A connection was given up while it was under way, and none was made since.
  private var hasGivenUp = false
  /// bluetoothd was asked to forget the module: once is enough.
  private var hasForgotten = false
  /// Somebody's link stands, and was left alone.
  private var hasYielded = false

  /// bluetoothd removes a device at once, or not at all.
  private static let forgetting = Duration.seconds(3)

  init(_ job: PollJob, radio: Radio) {
    self.job = job
    self.radio = radio
    waiting = job.devices
    name = job.module.name ?? (job.forgets ? nil : job.learned?.name)
  }

  /// Whether a device of this poll cannot be read without the module's name.
  private var needsName: Bool {
    name == nil && !hasAskedName && (job.devices.isEmpty || job.devices.contains { Profile.named($0.kind)?.needsName ?? true })
  }

  /// Where the bytes may come from: of a device that nobody has told yet, any of the places that there are.
  private var candidates: [ModuleGATT] {
    let profiles = job.devices.map { Profile.named($0.kind) }
    if !profiles.isEmpty, profiles.allSatisfy({ $0?.gatt == .shunt }) { return [.shunt] }
    return !profiles.isEmpty && profiles.allSatisfy { $0 != nil } ? [.serialLine] : [.serialLine, .shunt]
  }

  func run() throws -> ExitCode {
    do {
      if let unknown = job.devices.first(where: { $0.profile != Profile.automatic && Profile.named($0.profile) == nil }) {
        throw FailureReport(.profileUnknown, at: .start, "There is no profile '\(unknown.profile.prefix(40))'.")
      }
      try reporter.enter(.lock)
      lock = try ModuleLock.acquire(job.module.address, stop: radio.stop, until: budget.locking)
      if lock == nil { reporter.log("no place for a lock file: another BluPow on this host is not waited for") }
      do { try work() } catch let report as FailureReport { try fail(report) }
      try close()
    } catch let report as FailureReport {
      try fail(report)
    } catch let stopped as Stopped {
      // Where links that are not ours are left alone, only one of ours is owed a Disconnect.
      if let link, link.mayStand || !job.yields { link.leave() }
      throw stopped
    }
    done.stages = reporter.stages
    try reporter.emit(.done(done))
    return firstFailure?.exitCode ?? .ok
  }

  private func work() throws {
    let route = try Surroundings.route(job.link, adapter: job.module.adapter)
    let kind: LinkKind = route == nil ? .bluez : .kernel
    done.by = kind
    try reporter.emit(.link(by: kind))
    if job.link == .auto { reporter.log("link: \(kind.rawValue)") }
    var last: FailureReport?
    var attempts = job.attempts
    var attempt = 1
    while true {
      let link = try route.map { try carrier(attempt, by: $0) } ?? carrier(attempt, last)
      attempts = budget.affordable(attempts, from: attempt, pause: job.retryDelay)
      do {
        try connectAndRead(link, attempt, of: attempts)
        return
      } catch let report as FailureReport where report.failure.isWorthRetrying && attempt < attempts && !hasYielded {
        reporter.log("attempt \(attempt): \(report.message)")
        do { _ = try link.disconnect(at: report.stage, until: min(budget.work, .now + .seconds(5))) } catch is FailureReport {}
        // A new link is wanted, not what is left of the one that failed.
        let lingering = report.failure == .linkLost ? .zero : link.lingering
        let pause = max(job.retryDelay * (1 << (attempt - 1)), lingering)
        guard .now + pause + budget.shortestAttempt < budget.work - budget.reading else { throw report }
        try link.pause(at: report.stage, until: .now + pause)
        last = report
        attempt += 1
      }
    }
  }

  /// What one attempt learned is the next one's to use.
  private func carrier(_ attempt: Int, by route: Route) throws -> any Carrier {
    let witness = witness ?? Witness(of: job.module, radio: radio)
    self.witness = witness
    let learned = link?.learned ?? (job.forgets ? nil : job.learned)
    if learned?.addressType == nil { try reporter.enter(.bus, attempt: attempt) }
    let link = try KernelCarrier(
      to: job.module.address, by: route, seeking: candidates, learned: learned, witness: witness, stop: radio.stop)
    self.link = link
    return link
  }

  private func carrier(_ attempt: Int, _ last: FailureReport?) throws -> any Carrier {
    // A D-Bus connection of its own for each attempt: bluetoothd remembers the subscriptions of one that lives, and takes them up
    // by itself with the next link. A new one starts from nothing.
    let bus = try radio.open(attempt: attempt)
    return try module(on: bus, attempt, last)
  }

  /// The module as bluetoothd has it: freed if somebody's link stands, forgotten if that is wanted, scanned for if it is unknown.
  private func module(on bus: BlueZBus, _ attempt: Int, _ last: FailureReport?) throws -> any Carrier {
    let adapter = try bus.adapter(for: job.module)
    let link = ModuleLink(bus, to: job.module.address, at: adapter.path(of: job.module.address))
    let carrier = BlueZCarrier(link, on: bus)
    // One of an attempt before this that was not seen to end is ours.
    let isOurs = self.link?.mayStand == true
    self.link = carrier
    if link.isKnown {
      try reporter.enter(.release, attempt: attempt)
      if !isOurs { try giveWay(on: bus, attempt) }
      do {
        // One that is back is shared: bluetoothd lets each of its clients use it.
        let freed = try link.free(until: min(budget.work, .now + .seconds(5)))
        if attempt == 1 { done.foundStanding = freed == .ended }
        if job.forgets, !hasForgotten { try forget(link, by: adapter) }
      } catch let report as FailureReport where report.failure == .busy && job.forgets && !hasForgotten {
        // What Disconnect does not end, RemoveDevice may.
        try forget(link, by: adapter)
        guard !link.isKnown else { throw report }
        done.foundStanding = true
      }
    }
    if !link.isKnown {
      try find(link, bus, adapter, last)
      try giveWay(on: bus, attempt)
    }
    return carrier
  }

  /// Where the request wants it: a link that is not ours is not touched, by whichever adapter it stands.
  private func giveWay(on bus: BlueZBus, _ attempt: Int) throws {
    let links = bus.powered(named: job.module.adapter).map {
      ModuleLink(bus, to: job.module.address, at: $0.path(of: job.module.address))
    }
    guard job.yields, links.contains(where: \.stands) else { return }
    try giveWay(attempt)
  }

  private func giveWay(_ attempt: Int) throws -> Never {
    hasYielded = true
    done.foundStanding = true
    if reporter.stage != .release { try reporter.enter(.release, attempt: attempt) }
    throw ModuleLink.leftAlone(job.module.address)
  }

  /// What cannot be dropped is used as it is, unless there is nobody left to go on with.
  private func forget(_ link: ModuleLink, by adapter: Adapter) throws {
    hasForgotten = true
    guard !link.isPaired else {
      // Only the user can make a bond again.
      return reporter.log("\(job.module.address) is paired: bluetoothd is not made to forget it")
    }
    do {
      try link.forget(by: adapter, until: min(budget.work, .now + Self.forgetting))
      done.forgot = true
      reporter.log("bluetoothd has forgotten \(job.module.address)")
    } catch let report as FailureReport {
      guard ![.busSilent, .busLost, .daemonMissing].contains(report.failure) else { throw report }
      done.forgot = !link.isKnown
      reporter.log("\(report.message) Going on with what bluetoothd remembers.")
    }
  }

  /// Unknown to bluetoothd: scan until it is heard, never for a fixed time, and stop the scan before connecting.
  private func find(_ link: ModuleLink, _ bus: BlueZBus, _ adapter: Adapter, _ last: FailureReport?) throws {
    guard .now + .milliseconds(200) < budget.scanning else {
      throw last
        ?? FailureReport(.notSeen, at: .scan, "\(job.module.address) is not known, and no time was left to look for it.")
    }
    try reporter.enter(.scan)
    let found: Bool? = try bus.discover(on: adapter, until: budget.scanning, again: radio.tellOfNewDiscovery) { _ in
      guard link.isKnown else { return nil }
      // It goes with the discovery.
      done.rssi = link.rssi
      return true
    }
    guard found != nil else {
      let others = bus.heard(on: adapter).count
      throw bus.silence(at: .scan)
        ?? FailureReport(
          .notSeen, at: .scan,
          """
          \(job.module.address) was not heard by \(adapter.name); \
          \(others == 0 ? "nothing else was heard either." : "\(others) other device\(others == 1 ? " was" : "s were").")
          """)
    }
  }

  private func connectAndRead(_ link: any Carrier, _ attempt: Int, of attempts: Int) throws {
    let end = budget.attempt(attempt, of: attempts, pause: job.retryDelay)
    done.attempts = attempt
    try reporter.enter(.connect, attempt: attempt)
    do {
      try connect(link, attempt, until: end)
      hasGivenUp = false
    } catch let report as FailureReport {
      hasGivenUp = done.by == .kernel && report.failure == .connectTimeout
      throw report
    }
    done.connectMs = reporter.elapsed.milliseconds
    // A link that came late in its attempt is worth a moment more.
    let settled = min(max(end, .now + .seconds(3)), budget.work)
    try reporter.enter(.services, attempt: attempt)
    gatt = try link.resolve(candidates, until: settled)
    if needsName {
      hasAskedName = true
      name = try link.advertisedName(until: min(settled, .now + Self.naming))
      if name == nil { reporter.log("\(job.module.address) does not say its name") }
    }
    try reporter.enter(.subscribe, attempt: attempt)
    try link.subscribe(until: settled)
    try reporter.enter(.read, attempt: attempt)
    try read(link)
  }

  /// Connects. What keeps the kernel from it may be bluetoothd's to end: then it is freed first, once.
  private func connect(_ link: any Carrier, _ attempt: Int, until end: ContinuousClock.Instant) throws {
    do {
      try link.connect(until: end)
    } catch let busy as FailureReport where busy.failure == .busy {
      guard let witness else { throw busy }
      let stood: Bool
      switch try witness.standing() {
      case .unknown: throw busy
      case .unlisted: throw Self.anothers(busy)
      case .listed(let standing):
        // One that was given up late, and is bluetoothd's since, was ours.
        if job.yields, standing.stands, !hasGivenUp { try giveWay(attempt) }
        stood = try free(standing, attempt)
      }
      try reporter.enter(.connect, attempt: attempt)
      do {
        // Freeing takes seconds; connecting to what was connected just now does not.
        try link.connect(until: min(max(end, .now + budget.shortestAttempt), budget.work))
      } catch let again as FailureReport where again.failure == .busy {
        throw stood ? ModuleLink.comesBack(job.module.address) : Self.anothers(again)
      }
    }
  }

  /// Frees a link that stands, or an attempt at one that was left. `Connected` does not say whose a link is; no other worker's, for
  /// the module's lock is ours. Whether one stood.
  private func free(_ standing: ModuleLink, _ attempt: Int) throws -> Bool {
    try reporter.enter(.release, attempt: attempt)
    do {
      let freed = try standing.free(until: min(budget.work, .now + .seconds(5)))
      if freed == .isBack { throw ModuleLink.comesBack(job.module.address) }
      done.foundStanding = done.foundStanding || freed == .ended
      return freed == .ended
    } catch let report as FailureReport {
      guard report.failure != .busy else { throw report }
      throw FailureReport(
        .busy, at: .release, "The link to \(job.module.address) that stood already could not be freed: \(report.message)")
    }
  }

  private static func anothers(_ busy: FailureReport) -> FailureReport {
    FailureReport(
      .busy, at: .connect,
      "\(busy.message) bluetoothd holds no link to it: another program on this host does, by a socket of its own.")
  }

  /// Who answers behind the module.
  private func identify<L: Link>(_ link: L, _ silence: () -> FailureReport?) throws {
    var isNobody = true
    func say(_ found: Found) throws {
      isNobody = false
      try reporter.emit(.found(found))
    }
    if gatt == .shunt {
      try say(Found(unit: 0, profile: Profile.shunt300.name, confidence: .model))
    } else {
      try Identification(link: link, deadline: budget.work).everyone(name: name, say)
    }
    guard isNobody else { return }
    throw silence()
      ?? FailureReport(.silent, at: .read, "Nobody answers behind \(job.module.address), by no unit that Renogy's devices have.")
  }

  private func read<L: Carrier>(_ link: L) throws {
    let transcript = radio.transcript
    transcript?.begin(TranscriptHead(of: job.devices, behind: name))
    let line = RecordingLink(link, since: budget.start) { transcript?.write($0) }
    if job.devices.isEmpty { return try identify(line, link.silence) }
    let seen = SeenReplies()
    while let device = waiting.first {
      let outcome = try DeviceSession(
        device, name: name, gatt: gatt, link: line, deadline: budget.work,
        share: .now + (budget.work - .now) / waiting.count, seen: seen
      ).run()
      if outcome.notes != BlockNotes() { done.blocks[device.name] = outcome.notes }
      switch outcome.result {
      case .success(let readings):
        waiting.removeFirst()
        try reporter.emit(.readings(readings))
        if let broken = outcome.broken, !waiting.isEmpty { throw broken }
      case .failure(let report):
        // Silent registers, or a bus that does not carry them?
        if [.silent, .outOfTime].contains(report.failure), let silence = link.silence() { throw silence }
        waiting.removeFirst()
        try say(report, of: device)
      }
    }
  }

  /// Every device that has no line yet fails alike.
  private func fail(_ report: FailureReport) throws {
    if job.devices.isEmpty { try reporter.emit(.failed(device: nil, report)) }
    for device in waiting { try say(report, of: device) }
    waiting = []
    if firstFailure == nil { firstFailure = report.failure }
  }

  private func say(_ report: FailureReport, of device: DeviceRequest) throws {
    firstFailure = firstFailure ?? report.failure
    try reporter.emit(.failed(device: device.name, report))
  }

  /// A connection of the kernel's that was given up while it was under way may be made just then: with nobody's socket there to have
  /// it, bluetoothd has it, and keeps it.
  private func freeLatecomer() throws {
    guard hasGivenUp, let witness, let bus = try witness.bus() else { return }
    try reporter.enter(.release, attempt: done.attempts)
    do {
      _ = try radio.free(job.module, on: bus, until: budget.closing)
    } catch let report as FailureReport where !report.failure.leavesNoLink {
      done.trouble = report
      done.link = .left
    } catch is FailureReport {}
  }

  /// Disconnect and see it closed. Trouble here takes nothing from the readings.
  private func close() throws {
    done.learned = link?.learned
    // Asked in an attempt before the last one.
    if hasAskedName, let name { done.learned = (done.learned ?? Learned()).named(name) }
    try freeLatecomer()
    guard let link, link.mayStand else {
      let wasOurs = !hasYielded && (done.attempts > 0 || done.foundStanding)
      if done.link != .left { done.link = wasOurs ? .closed : .none }
      return
    }
    try reporter.enter(.disconnect)
    do {
      done.link = try link.disconnect(at: .disconnect, until: budget.closing) ? .closed : .left
    } catch let report as FailureReport {
      done.link = .left
      done.trouble = report
    }
  }
}

extension DeviceRequest {
  /// The profile that it will be read by, as far as that is known.
  fileprivate var kind: String { profile == Profile.automatic ? identity?.profile ?? profile : profile }
}
