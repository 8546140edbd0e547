import Chance
import Policy
import Readings
import Testing

@Suite struct ModuleMachineTests {
  private func machine(devices: [String] = ["Inverter"], timeout: TimeoutScale = .automatic) throws -> ModuleMachine {
    ModuleMachine(try #require(Sample.module(devices: devices, timeout: timeout)), firstPoll: Sample.start)
  }

  private func launched(_ actions: [ModuleMachine.Action]) throws -> (request: Request, job: PollJob) {
    for case .launch(let request, _) in actions { if case .poll(let job) = request.job { return (request, job) } }
    throw NoLaunch()
  }

  private struct NoLaunch: Error {}

  /// Launches at its time, fails or succeeds 5 s later; the time of the next poll.
  private func step(_ machine: inout ModuleMachine, at now: Instant, _ outcome: (String) -> PollOutcome) throws -> Instant {
    let poll = try launched(machine.handle(.woke, at: now, jitter: 0)).request.poll
    let actions = machine.handle(.finished(outcome(poll)), at: now + .seconds(5), jitter: 0)
    guard case .sleep(let until)? = actions.last else { throw NoLaunch() }
    return until
  }

  @Test func `before its time it sleeps on, at its time it launches`() throws {
    var machine = try machine()
    #expect(machine.handle(.woke, at: Sample.at(-1), jitter: 0) == [.sleep(until: Sample.start)])
    let (request, job) = try launched(machine.handle(.woke, at: Sample.start, jitter: 0))
    #expect(request.poll == "D8B673BF4F75-1")
    #expect(request.deadline == .seconds(25))
    #expect(job.devices == [DeviceRequest(name: "Inverter", profile: "inverter")])
    #expect(job.attempts == 2)
  }

  @Test func `the next poll starts an interval after the last one started`() throws {
    var machine = try machine()
    #expect(try step(&machine, at: Sample.start) { Sample.success($0) } == Sample.at(30))
  }

  @Test func `what the link found out is in every later request, until it finds out something else`() throws {
    var machine = try machine()
    func learned(at now: Instant, _ done: Done?) throws -> Learned? {
      let (request, job) = try launched(machine.handle(.woke, at: now, jitter: 0))
      _ = machine.handle(.finished(Sample.success(request.poll, done: done)), at: now + .seconds(1), jitter: 0)
      return job.learned
    }
    let first = Learned(addressType: .random, handles: SerialHandles(write: 18, notify: 34, configuration: 35))
    let second = Learned(addressType: .random, handles: SerialHandles(write: 82, notify: 98, configuration: 99))
    #expect(try learned(at: Sample.start, Done(link: .closed, by: .kernel, learned: first)) == nil)
    #expect(try learned(at: Sample.at(30), Done(link: .closed, by: .kernel)) == first)
    #expect(try learned(at: Sample.at(60), nil) == first)
    #expect(try learned(at: Sample.at(90), Done(link: .closed, by: .kernel, learned: second)) == first)
    #expect(try learned(at: Sample.at(120), Done(link: .none)) == second)
    // A name alone, as bluetoothd's link learns it, takes nothing from the rest.
    #expect(try learned(at: Sample.at(150), Done(link: .closed, by: .bluez, learned: Learned(name: "RNGC1"))) == second)
    #expect(try learned(at: Sample.at(180), nil) == second.named("RNGC1"))
  }

  @Test func `what was learned is found out anew after three failures in a row`() throws {
    var machine = try machine()
    let known = Learned(addressType: .random, adapter: "hci1")
    var now = Sample.start
    func poll(_ outcome: (String) -> PollOutcome) throws -> Learned? {
      let (request, job) = try launched(machine.handle(.woke, at: now, jitter: 0))
      _ = machine.handle(.finished(outcome(request.poll)), at: now + .seconds(1), jitter: 0)
      if case .resting(let until) = machine.state { now = until }
      return job.learned
    }
    _ = try poll { Sample.success($0, done: Done(link: .closed, by: .kernel, learned: known)) }
    for _ in 1...3 { #expect(try poll { Sample.failure($0, .connectTimeout) } == known) }
    #expect(try poll { Sample.success($0, done: Done(link: .closed, by: .kernel, learned: known)) } == nil)
    #expect(try poll { Sample.failure($0, .daemonMissing) } == known)
    // An adapter that is off is not insisted on.
    #expect(try poll { Sample.failure($0, .adapterOff) } == known)
    #expect(try poll { Sample.success($0) } == Learned(addressType: .random))
  }

  @Test func `an overdue poll is skipped, not stacked`() throws {
    var machine = try machine()
    let poll = try launched(machine.handle(.woke, at: Sample.start, jitter: 0)).request.poll
    #expect(machine.handle(.finished(Sample.success(poll)), at: Sample.at(70), jitter: 0).last == .sleep(until: Sample.at(90)))
  }

  @Test func `only polls that were due while it was being polled are skipped`() throws {
    var machine = try machine()
    var poll = try launched(machine.handle(.woke, at: Sample.start, jitter: 0)).request.poll
    // Its session came after 95 s, and the poll took 3 s: those of 30, 60 and 90 s waited with it.
    #expect(machine.handle(.finished(Sample.success(poll)), at: Sample.at(98), jitter: 0).last == .sleep(until: Sample.at(120)))
    #expect(machine.skipped == 0)
    poll = try launched(machine.handle(.woke, at: Sample.at(120), jitter: 0)).request.poll
    // After 20 s of waiting, 75 s: those of 150, 180 and 210 s.
    var outcome = Sample.success(poll)
    outcome.lasted = .seconds(75)
    #expect(machine.handle(.finished(outcome), at: Sample.at(215), jitter: 0).last == .sleep(until: Sample.at(240)))
    #expect(machine.skipped == 3)
    // Its session came at 275 s; the poll took 20 s, and its release 8 s more: of those of 270 and 300 s one was due meanwhile.
    poll = try launched(machine.handle(.woke, at: Sample.at(240), jitter: 0)).request.poll
    _ = machine.handle(.finished(Sample.failure(poll, .notSeen, needsRelease: true)), at: Sample.at(295), jitter: 0)
    #expect(machine.handle(.released(poll: poll, nil), at: Sample.at(303), jitter: 0).last == .sleep(until: Sample.at(330)))
    #expect(machine.skipped == 4)
  }

  @Test func `the module's name is the configured one, else the one that was learned, until that is doubted`() throws {
    var machine = try machine()
    var now = Sample.start
    func name(_ outcome: (String) -> PollOutcome) throws -> String? {
      let (request, job) = try launched(machine.handle(.woke, at: now, jitter: 0))
      _ = machine.handle(.finished(outcome(request.poll)), at: now + .seconds(1), jitter: 0)
      if case .resting(let until) = machine.state { now = until }
      return job.module.name
    }
    let known = Learned(name: "BTRIC134000035")
    #expect(try name { Sample.success($0, done: Done(link: .closed, learned: known)) } == nil)
    for _ in 1...3 { #expect(try name { Sample.failure($0, .notSeen) } == "BTRIC134000035") }
    #expect(try name { Sample.success($0, done: Done(link: .closed, learned: known)) } == nil)
    var config = machine.config
    config.module.name = "RNGPRO12"
    _ = machine.handle(.configured(config), at: now, jitter: 0)
    #expect(try name { Sample.success($0) } == "RNGPRO12")
  }

  @Test(arguments: ["profile", "name", "interval"])
  func `what a device was found to be is gone with another profile or name, and with nothing else`(change: String) throws {
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    let device = DeviceConfig(name: "Inverter", address: address, profile: DeviceConfig.automatic)
    let module = try #require(GatewayConfig(name: "cabin", devices: [device]).modules.first)
    var machine = ModuleMachine(module, firstPoll: Sample.start)
    var readings = Sample.readings()
    readings.confidence = .model
    let next = try step(&machine, at: Sample.start) {
      var outcome = Sample.success($0)
      outcome.answers = ["Inverter": .readings(readings)]
      return outcome
    }
    var config = machine.config
    switch change {
    case "profile": config.devices[0].profile = "battery"
    case "name": config.module.name = "RNGPRO12"
    default: config.interval = .seconds(20)
    }
    _ = machine.handle(.configured(config), at: next, jitter: 0)
    config.devices[0].profile = DeviceConfig.automatic
    _ = machine.handle(.configured(config), at: next, jitter: 0)
    let request = try launched(machine.handle(.pollNow, at: next, jitter: 0)).job.devices[0]
    #expect(request.identity == (change == "interval" ? Identity(profile: "inverter", confidence: .model) : nil))
  }

  @Test func `while it polls, neither time nor a wish starts another`() throws {
    var machine = try machine()
    _ = machine.handle(.woke, at: Sample.start, jitter: 0)
    #expect(machine.handle(.woke, at: Sample.at(60), jitter: 0) == [])
    #expect(machine.handle(.pollNow, at: Sample.at(60), jitter: 0) == [])
  }

  @Test func `a wish polls at once`() throws {
    var machine = try machine()
    #expect(try launched(machine.handle(.pollNow, at: Sample.at(-20), jitter: 0)).request.poll == "D8B673BF4F75-1")
  }

  @Test func `the answer to another poll is dropped`() throws {
    var machine = try machine()
    _ = machine.handle(.woke, at: Sample.start, jitter: 0)
    let before = machine
    #expect(machine.handle(.finished(Sample.success("D8B673BF4F75-0")), at: Sample.at(1), jitter: 0) == [])
    #expect(machine == before)
  }

  @Test func `the module's failures lengthen deadline and interval, the first success resets both`() throws {
    var machine = try machine()
    var now = Sample.start
    var pauses: [Duration] = []
    var deadlines: [Duration] = []
    for _ in 1...5 {
      let next = try step(&machine, at: now) { Sample.failure($0, .notSeen) }
      pauses.append(next - now)
      deadlines.append(machine.deadline)
      now = next
    }
    #expect(pauses == [.seconds(30), .seconds(30), .seconds(60), .seconds(120), .seconds(240)])
    #expect(deadlines == [.seconds(25), .seconds(25), .seconds(40), .seconds(45), .seconds(45)])
    #expect(try step(&machine, at: now) { Sample.success($0) } - now == .seconds(30))
    #expect(machine.deadline == .seconds(25))
  }

  @Test(arguments: Failure.allCases.filter { $0.whose != .module })
  func `a failure that is not the module's changes neither deadline nor interval`(_ failure: Failure) throws {
    var machine = try machine()
    var now = Sample.start
    for _ in 1...10 {
      let next = try step(&machine, at: now) { Sample.failure($0, failure) }
      #expect(next - now == .seconds(30))
      now = next
    }
    #expect(machine.deadline == .seconds(25))
    #expect(machine.failures == 0)
  }

  @Test func `one device of two that answers makes the module's poll a success`() throws {
    var machine = try machine(devices: ["Inverter", "Battery"])
    var now = Sample.start
    for _ in 1...4 {
      now = try step(&machine, at: now) {
        var outcome = Sample.success($0)
        outcome.answers["Battery"] = .failed(FailureReport(.silent, at: .read, "Unit 48 did not answer."))
        return outcome
      }
    }
    #expect(machine.failures == 0)
  }

  @Test func `a unit that was silent is asked last next time`() throws {
    var machine = try machine(devices: ["Battery", "Inverter"])
    let next = try step(&machine, at: Sample.start) {
      var outcome = Sample.success($0)
      outcome.answers["Battery"] = .failed(FailureReport(.silent, at: .read, "Unit 48 did not answer."))
      return outcome
    }
    #expect(try launched(machine.handle(.woke, at: next, jitter: 0)).job.devices.map(\.name) == ["Inverter", "Battery"])
  }

  @Test func `the model, the unit and the blocks not to ask for are in the next request, the blocks for a day`() throws {
    var machine = try machine()
    let next = try step(&machine, at: Sample.start) {
      Sample.success(
        $0, done: Done(link: .closed, blocks: ["Inverter": BlockNotes(unsupported: ["4441/2"], silent: ["4400/1"])]))
    }
    let device = try launched(machine.handle(.woke, at: next, jitter: 0)).job.devices[0]
    #expect(
      device
        == DeviceRequest(
          name: "Inverter", profile: "inverter", unit: 32, model: "RIV1230RCH-SPS", skip: ["4400/1", "4441/2"]))
    _ = machine.handle(.finished(Sample.success("D8B673BF4F75-2")), at: next, jitter: 0)
    let later = try launched(machine.handle(.woke, at: Sample.at(86_406), jitter: 0)).job.devices[0]
    #expect(later.skip == [])
    #expect(later.model == "RIV1230RCH-SPS")
  }

  @Test func `after a poll that may have left a link it frees that first`() throws {
    var machine = try machine()
    let poll = try launched(machine.handle(.woke, at: Sample.start, jitter: 0)).request.poll
    let outcome = Sample.failure(poll, .workerTimedOut, needsRelease: true)
    let actions = machine.handle(.finished(outcome), at: Sample.at(27), jitter: 0)
    let module = machine.config.module
    #expect(
      actions == [
        .report(outcome), .step(.release), .release(Request(poll: poll, deadline: .seconds(8), job: .release(module))),
      ])
    #expect(machine.handle(.woke, at: Sample.at(31), jitter: 0) == [])
    let failed = FailureReport(.daemonSilent, at: .release, "Disconnect was not answered.")
    #expect(
      machine.handle(.released(poll: poll, failed), at: Sample.at(35), jitter: 0)
        == [
          .raise(.releaseFailed, message: "Disconnect was not answered.", advice: Failure.daemonSilent.advice),
          .sleep(until: Sample.at(60)),
        ])
  }

  @Test func `a short timeout has one attempt`() throws {
    var machine = try machine(timeout: .fixed(.seconds(14)))
    #expect(try launched(machine.handle(.woke, at: Sample.start, jitter: 0)).job.attempts == 1)
  }

  // MARK: The ladder

  /// One poll after the other, each when it is due; the job of each.
  private func polls(
    _ machine: inout ModuleMachine, _ count: Int, _ now: inout Instant, _ outcome: (String) -> PollOutcome
  ) throws -> [(job: PollJob, actions: [ModuleMachine.Action])] {
    try (0..<count).map { _ in
      let began = machine.handle(.woke, at: now, jitter: 0)
      let (request, job) = try launched(began)
      let ended = machine.handle(.finished(outcome(request.poll)), at: now + .seconds(5), jitter: 0)
      guard case .resting(let until) = machine.state else { throw NoLaunch() }
      now = until
      return (job, began + ended)
    }
  }

  private func failure(_ poll: String, _ failure: Failure, by link: LinkKind, found: Bool = false, at stage: Stage = .connect)
    -> PollOutcome
  {
    var outcome = Sample.failure(poll, failure)
    (outcome.linkedBy, outcome.stage) = (link, stage)
    outcome.done = Done(link: .none, foundStanding: found)
    return outcome
  }

  @Test func `a module that failed alike three times by bluetoothd is forgotten there, not oftener than every ten minutes`()
    throws
  {
    var machine = try machine()
    var now = Sample.start
    let jobs = try polls(&machine, 12, &now) { failure($0, .servicesUnresolved, by: .bluez) }
    // Every 30, 30, 60, 120, 240, 300 s: the fourth poll is the first that forgets; 11 minutes later there was another one.
    #expect(jobs.map(\.job.forgets) == [0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0].map { $0 == 1 })
    #expect(jobs[3].actions.contains(.step(.forget)))
  }

  @Test(arguments: [
    (Failure.silent, LinkKind.bluez), (.notSeen, .bluez), (.servicesUnresolved, .kernel), (.pairingRequired, .bluez),
  ])
  func `what forgetting cannot mend does not make bluetoothd forget`(failed: Failure, by link: LinkKind) throws {
    var machine = try machine()
    var now = Sample.start
    #expect(try polls(&machine, 8, &now) { failure($0, failed, by: link) }.allSatisfy { !$0.job.forgets })
  }

  @Test func `failures of several kinds are not alike`() throws {
    var machine = try machine()
    var now = Sample.start
    var count = 0
    let jobs = try polls(&machine, 9, &now) {
      count += 1
      return failure($0, count % 3 == 0 ? .linkLost : .servicesUnresolved, by: .bluez)
    }
    #expect(jobs.allSatisfy { !$0.job.forgets })
  }

  @Test func `a module that another program takes three times in a row is left to it until it is free`() throws {
    var machine = try machine()
    var now = Sample.start
    func success(_ poll: String, found: Bool) -> PollOutcome {
      var outcome = Sample.success(poll, done: Done(link: .closed, foundStanding: found))
      outcome.stage = .disconnect
      return outcome
    }
    // The first may have been ours, of an earlier process.
    let taken = try polls(&machine, 4, &now) { success($0, found: true) }
    #expect(taken.map(\.job.yields) == [false, false, false, false])
    #expect(taken[3].actions.contains(.step(.leaveAlone)))
    let busy = try polls(&machine, 2, &now) { failure($0, .busy, by: .bluez, found: true, at: .release) }
    #expect(busy.map(\.job.yields) == [true, true])
    // A bus that is away says nothing about it.
    #expect(try polls(&machine, 1, &now) { failure($0, .daemonMissing, by: .bluez, at: .bus) }[0].job.yields)
    let free = try polls(&machine, 2, &now) { success($0, found: false) }
    #expect(free.map(\.job.yields) == [true, false])
    #expect(free[0].actions.contains(.settle(.inUse)))
  }

  @Test func `a link that one of our own killed workers may have left is nobody else's`() throws {
    var machine = try machine()
    var now = Sample.start
    for _ in 1...8 {
      let (request, job) = try launched(machine.handle(.woke, at: now, jitter: 0))
      #expect(!job.yields)
      var outcome = Sample.failure(request.poll, .workerTimedOut, needsRelease: true)
      outcome.done = Done(link: .left, foundStanding: true)
      _ = machine.handle(.finished(outcome), at: now + .seconds(27), jitter: 0)
      let failed = FailureReport(.daemonSilent, at: .release, "It could not be freed.")
      _ = machine.handle(.released(poll: request.poll, failed), at: now + .seconds(30), jitter: 0)
      guard case .resting(let until) = machine.state else { throw NoLaunch() }
      now = until
    }
  }

  @Test func `when it cannot get any slower that is a problem, which the first success ends`() throws {
    var machine = try machine()
    var now = Sample.start
    let failing = try polls(&machine, 7, &now) { Sample.failure($0, .notSeen) }
    let raised = failing.map { poll in
      poll.actions.contains { if case .raise(.moduleFailing, _, _) = $0 { true } else { false } }
    }
    #expect(raised == [false, false, false, false, false, true, true])
    #expect(failing.map { $0.actions.contains(.step(.slowest)) } == [false, false, false, false, false, true, false])
    #expect(try polls(&machine, 1, &now) { Sample.success($0) }[0].actions.contains(.settle(.moduleFailing)))
  }

  @Test func `it knows when it waits for bus or adapter`() throws {
    var machine = try machine()
    var now = Sample.start
    for (failure, waits) in [(Failure.daemonMissing, true), (.adapterOff, true), (.notSeen, false), (.workerCrashed, false)] {
      _ = try polls(&machine, 1, &now) { Sample.failure($0, failure) }
      #expect(machine.waitsForHost == waits, "\(failure)")
    }
  }

  // MARK: Other settings

  @Test func `other settings count from the next poll on, and a poll that runs is not disturbed`() throws {
    var machine = try machine()
    var config = machine.config
    config.interval = .seconds(10)
    config.attempts = 5
    let poll = try launched(machine.handle(.woke, at: Sample.start, jitter: 0)).request.poll
    #expect(machine.handle(.configured(config), at: Sample.at(1), jitter: 0) == [])
    #expect(machine.handle(.finished(Sample.success(poll)), at: Sample.at(3), jitter: 0).last == .sleep(until: Sample.at(10)))
    #expect(try launched(machine.handle(.woke, at: Sample.at(10), jitter: 0)).job.attempts == 5)
  }

  @Test func `while it rests, a shorter interval counts at once, and a longer one after the next poll`() throws {
    var machine = try machine()
    var now = Sample.start
    _ = try polls(&machine, 1, &now) { Sample.success($0) }
    var config = machine.config
    config.interval = .seconds(300)
    #expect(machine.handle(.configured(config), at: Sample.at(10), jitter: 0) == [.sleep(until: Sample.at(30))])
    config.interval = .seconds(10)
    #expect(machine.handle(.configured(config), at: Sample.at(12), jitter: 0) == [.sleep(until: Sample.at(22))])
  }

  // MARK: A later process

  @Test func `a later process goes on with what was counted and learned`() throws {
    var machine = try machine()
    var now = Sample.start
    let known = Learned(addressType: .random, handles: SerialHandles(write: 18, notify: 34, configuration: 35))
    _ = try polls(&machine, 1, &now) {
      Sample.success(
        $0, done: Done(link: .closed, by: .kernel, blocks: ["Inverter": BlockNotes(unsupported: ["4441/2"])], learned: known))
    }
    _ = try polls(&machine, 2, &now) { Sample.failure($0, .notSeen) }
    let kept = machine.keepsake(Sample.clock(boot: "a", at: Sample.start))
    let read = try Wire.decode(ModuleMachine.Keepsake.self, from: try Wire.line(kept))
    var later = ModuleMachine(
      machine.config, firstPoll: now, keepsake: read, clock: Sample.clock(boot: "a", at: now, uptime: 1000 + 60))
    #expect(later.failures == 2)
    let job = try launched(later.handle(.woke, at: now, jitter: 0)).job
    #expect(job.learned == known)
    #expect(job.devices[0].skip == ["4441/2"] && job.devices[0].unit == 32)
    // Nobody knows how long ago that was: the blocks are asked for again.
    var another = ModuleMachine(
      machine.config, firstPoll: now, keepsake: read, clock: Sample.clock(boot: "b", at: now, isSynchronised: false))
    #expect(try launched(another.handle(.woke, at: now, jitter: 0)).job.devices[0].skip == [])
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `whatever happens in whatever order, what must hold holds`(_ seed: UInt64) throws {
    var dice = Dice(seed: seed)
    var machine = try machine()
    var now = Sample.start
    var open: String?
    var releasing = false
    var seen: Set<String> = []
    let failures = Failure.allCases
    for _ in 0..<2000 {
      now += .milliseconds(Int64.random(in: 0...20_000, using: &dice))
      let before = machine
      var event = ModuleMachine.Event.woke
      switch Int.random(in: 0..<6, using: &dice) {
      case 0, 1: break
      case 2: event = .pollNow
      case 3: event = .finished(Sample.success(Bool.random(using: &dice) ? open ?? "none" : "stale"))
      case 4:
        let failure = failures[Int.random(in: 0..<failures.count, using: &dice)]
        event = .finished(Sample.failure(open ?? "none", failure, needsRelease: Bool.random(using: &dice)))
      default: event = .released(poll: open ?? "none", nil)
      }
      let actions = machine.handle(event, at: now, jitter: Double.random(in: -1...1, using: &dice))
      if case .finished(let outcome) = event, outcome.poll == open, !releasing {
        if !outcome.blamesModule, !outcome.succeeded { #expect(machine.deadline == before.deadline) }
      }
      for action in actions {
        switch action {
        case .launch(let request, _):
          #expect(open == nil && seen.insert(request.poll).inserted)
          #expect(request.deadline >= .seconds(25) && request.deadline <= .seconds(45))
          open = request.poll
        case .release(let request):
          #expect(request.poll == open && !releasing)
          releasing = true
        case .sleep(let until):
          if case .resting(let stored) = machine.state {
            #expect(stored == until)
          } else {
            Issue.record("sleeps but does not rest")
          }
          #expect(until - now <= .seconds(300))
          (open, releasing) = (nil, false)
        case .report(let outcome): #expect(outcome.poll == open)
        case .raise(let problem, _, _): #expect(problem != .releaseFailed)
        case .settle, .step: break
        }
      }
    }
    #expect(seen.count > 50)
  }
}
