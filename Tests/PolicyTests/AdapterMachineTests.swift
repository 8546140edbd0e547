import Policy
import Readings
import Testing

@Suite struct AdapterMachineTests {
  private let first: Address
  private let second: Address

  init() throws {
    first = try #require(Address("D8:B6:73:BF:4F:75"))
    second = try #require(Address("D8:B6:73:BF:4F:76"))
  }

  private func machine(allowed: Bool = true) -> AdapterMachine {
    var settings = PolicySettings()
    settings.resetsAdapter = allowed
    return AdapterMachine("hci0", modules: [first, second], settings: settings, start: Sample.start)
  }

  private func resets(_ actions: [AdapterMachine.Action]) -> Int {
    actions.count { if case .reset = $0 { true } else { false } }
  }

  /// Both fail, once every 30 s from `start` on. The seconds of the resets.
  private func fail(
    _ machine: inout AdapterMachine, from start: Double, polls: Int, _ failure: Failure = .notSeen
  ) -> [Double] {
    var found: [Double] = []
    for poll in 0..<polls {
      let seconds = start + Double(poll) * 30
      for module in [first, second] {
        let actions = machine.handle(.polled(module, Sample.failure("p", failure)), at: Sample.at(seconds))
        guard actions == [.want] else { continue }
        #expect(resets(machine.handle(.admitted, at: Sample.at(seconds))) == 1)
        found.append(seconds)
        #expect(machine.handle(.reset(nil), at: Sample.at(seconds + 9)) == [.settle, .pollAll])
      }
    }
    return found
  }

  @Test func `an adapter on which nothing works is reset, three times an hour at most`() {
    var machine = machine()
    // Three failures of each, and 90 s; then three more of each.
    #expect(fail(&machine, from: 30, polls: 130) == [90, 180, 270, 3690, 3780, 3870])
  }

  @Test func `it is not where nobody allowed it`() {
    var machine = machine(allowed: false)
    #expect(fail(&machine, from: 30, polls: 50) == [])
  }

  @Test func `it is not while another module on it works`() {
    var machine = machine()
    for poll in 1...40 {
      let now = Sample.at(Double(poll) * 30)
      #expect(machine.handle(.polled(second, Sample.success("p")), at: now) == [])
      #expect(machine.handle(.polled(first, Sample.failure("p", .notSeen)), at: now) == [])
    }
  }

  @Test(arguments: [Failure.daemonMissing, .workerCrashed, .stopped, .held])
  func `a failure that is neither a module's nor the adapter's resets nothing`(failure: Failure) {
    var machine = machine()
    #expect(fail(&machine, from: 30, polls: 50, failure) == [])
  }

  /// Both have failed for so long that a reset is wanted, at that time.
  private func wanting() -> AdapterMachine {
    var machine = machine()
    var last: [AdapterMachine.Action] = []
    for poll in 1...3 {
      for module in [first, second] {
        last = machine.handle(.polled(module, Sample.failure("p", .adapterOff)), at: Sample.at(Double(poll) * 30))
      }
    }
    #expect(last == [.want])
    return machine
  }

  @Test func `while one is wanted or under way there is no other, and one that fails is a problem until something works`() {
    var machine = wanting()
    #expect(machine.handle(.polled(first, Sample.failure("p", .adapterOff)), at: Sample.at(100)) == [])
    #expect(resets(machine.handle(.admitted, at: Sample.at(110))) == 1)
    #expect(machine.handle(.polled(first, Sample.failure("p", .adapterOff)), at: Sample.at(111)) == [])
    let failed = FailureReport(.adapterOff, at: .bus, "hci0 stayed off.")
    #expect(machine.handle(.reset(failed), at: Sample.at(120)) == [.raise(failed)])
    #expect(machine.handle(.reset(nil), at: Sample.at(121)) == [], "none was under way")
    #expect(machine.handle(.polled(first, Sample.success("p")), at: Sample.at(150)) == [.settle])
    #expect(machine.handle(.polled(first, Sample.success("p")), at: Sample.at(180)) == [])
  }

  @Test func `what works by the time that the adapter is idle is not switched off`() {
    var machine = wanting()
    #expect(machine.handle(.polled(second, Sample.success("p")), at: Sample.at(100)) == [])
    #expect(machine.handle(.admitted, at: Sample.at(110)) == [.renounce])
    // It has cost none of the three.
    #expect(fail(&machine, from: 130, polls: 130).count { $0 < 3600 } == 3)
  }

  @Test func `one that could not be had is wanted again`() {
    var machine = wanting()
    #expect(machine.handle(.dropped, at: Sample.at(100)) == [])
    #expect(machine.handle(.polled(first, Sample.failure("p", .adapterOff)), at: Sample.at(120)) == [.want])
  }

  @Test func `the last word of a module that is no longer polled by it does not count`() {
    var machine = machine()
    for poll in 1...3 { _ = machine.handle(.polled(first, Sample.failure("p", .notSeen)), at: Sample.at(Double(poll) * 30)) }
    var settings = PolicySettings()
    settings.resetsAdapter = true
    machine.adopt(settings, modules: [first])
    #expect(machine.handle(.polled(second, Sample.success("p")), at: Sample.at(110)) == [])
    #expect(machine.handle(.polled(first, Sample.failure("p", .notSeen)), at: Sample.at(120)) == [.want])
  }

  @Test func `a later process remembers when it was reset`() throws {
    var machine = machine()
    #expect(fail(&machine, from: 30, polls: 10) == [90, 180, 270])
    let kept = try Wire.decode(
      AdapterMachine.Keepsake.self, from: try Wire.line(machine.keepsake(Sample.clock(boot: "a", at: Sample.start))))
    var settings = PolicySettings()
    settings.resetsAdapter = true
    func later(boot: String, uptime: Double) -> [Double] {
      var machine = AdapterMachine(
        "hci0", modules: [first, second], settings: settings, start: Sample.at(1000), keepsake: kept,
        clock: Sample.clock(boot: boot, at: Sample.at(1000), uptime: uptime, isSynchronised: boot == "a"))
      return fail(&machine, from: 1030, polls: 130)
    }
    #expect(later(boot: "a", uptime: 2000).first == 3700)
    #expect(later(boot: "a", uptime: 6000).first == 1090)
    #expect(later(boot: "b", uptime: 20).first == 4600, "nobody knows when: as if just now")
  }
}
