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
        if resets(actions) > 0 {
          found.append(seconds)
          #expect(machine.handle(.reset(nil), at: Sample.at(seconds + 9)) == [.settle, .pollAll])
        }
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

  @Test func `while one is under way there is no other, and one that fails is a problem`() {
    var machine = machine()
    var count = 0
    for poll in 1...20 {
      for module in [first, second] {
        count += resets(machine.handle(.polled(module, Sample.failure("p", .adapterOff)), at: Sample.at(Double(poll) * 30)))
      }
    }
    #expect(count == 1)
    let failed = FailureReport(.adapterOff, at: .bus, "hci0 stayed off.")
    #expect(machine.handle(.reset(failed), at: Sample.at(700)) == [.raise(failed)])
    #expect(machine.handle(.reset(nil), at: Sample.at(701)) == [], "none was under way")
  }

  @Test func `a module that is no longer polled by it does not count`() {
    var machine = machine()
    for poll in 1...3 { _ = machine.handle(.polled(first, Sample.failure("p", .notSeen)), at: Sample.at(Double(poll) * 30)) }
    var settings = PolicySettings()
    settings.resetsAdapter = true
    machine.adopt(settings, modules: [first])
    #expect(resets(machine.handle(.polled(first, Sample.failure("p", .notSeen)), at: Sample.at(120))) == 1)
  }
}
