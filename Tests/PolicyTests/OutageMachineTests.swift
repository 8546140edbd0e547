import Policy
import Readings
import Testing

@Suite struct OutageMachineTests {
  private typealias Action = OutageMachine.Action

  private let missing = FailureReport(.daemonMissing, at: .bus, "bluetoothd is not running.")
  private let off = FailureReport(.adapterOff, at: .bus, "hci0 is off.")

  private func machine(_ subject: OutageMachine.Subject = .bus) -> OutageMachine { OutageMachine(subject, every: .seconds(5)) }

  private func failed(_ report: FailureReport) -> OutageMachine.Event {
    .polled(PollOutcome(poll: "p-1", answers: ["Inverter": .failed(report)]))
  }

  private func succeeded(by link: LinkKind) -> OutageMachine.Event {
    var outcome = Sample.success("p-1")
    outcome.linkedBy = link
    return .polled(outcome)
  }

  private func probe(_ adapters: (name: String, powered: Bool)...) -> OutageMachine.Event {
    .probed(
      .success(
        Probe(
          adapters: adapters.map {
            Probe.Adapter(
              name: $0.name, address: "00:AA:01:00:00:00", powered: $0.powered, discovering: false, devices: 0, connected: 0)
          })))
  }

  @Test func `what is away is looked for every five seconds until it is back`() {
    var machine = machine()
    #expect(machine.handle(failed(missing), at: Sample.start) == [.away(missing), .sleep(until: Sample.at(5))])
    #expect(machine.handle(failed(missing), at: Sample.at(1)) == [], "it is known")
    #expect(machine.handle(.woke, at: Sample.at(4)) == [.sleep(until: Sample.at(5))])
    #expect(machine.handle(.woke, at: Sample.at(5)) == [.probe])
    #expect(machine.handle(.probed(.failure(missing)), at: Sample.at(6)) == [.sleep(until: Sample.at(11))])
    #expect(machine.handle(.woke, at: Sample.at(11)) == [.probe])
    #expect(machine.handle(probe(("hci0", true)), at: Sample.at(12)) == [.back])
    #expect(machine.handle(.woke, at: Sample.at(16)) == [])
  }

  @Test func `a bus that found no adapter is there, and the reason is said again where it changes`() {
    var machine = machine()
    _ = machine.handle(failed(missing), at: Sample.start)
    _ = machine.handle(.woke, at: Sample.at(5))
    let silent = FailureReport(.daemonSilent, at: .bus, "bluetoothd does not answer.")
    #expect(machine.handle(.probed(.failure(silent)), at: Sample.at(6)) == [.away(silent), .sleep(until: Sample.at(11))])
    _ = machine.handle(.woke, at: Sample.at(11))
    #expect(machine.handle(.probed(.failure(off)), at: Sample.at(12)) == [.back])
  }

  @Test func `a probe that failed by us says nothing`() {
    var machine = machine()
    _ = machine.handle(failed(missing), at: Sample.start)
    _ = machine.handle(.woke, at: Sample.at(5))
    let crashed = FailureReport(.workerCrashed, at: .start, "The worker crashed.")
    #expect(machine.handle(.probed(.failure(crashed)), at: Sample.at(6)) == [.sleep(until: Sample.at(11))])
  }

  @Test func `a poll that succeeded by bluetoothd has found it, one by the kernel has not`() {
    var machine = machine()
    _ = machine.handle(failed(missing), at: Sample.start)
    #expect(machine.handle(succeeded(by: .kernel), at: Sample.at(1)) == [])
    #expect(machine.handle(succeeded(by: .bluez), at: Sample.at(2)) == [.back])
  }

  @Test func `an adapter is back when it is on, whatever the others are`() {
    var machine = machine(.adapter("hci1"))
    let off = FailureReport(.adapterOff, at: .bus, "hci1 is off.")
    _ = machine.handle(failed(off), at: Sample.start)
    _ = machine.handle(.woke, at: Sample.at(5))
    #expect(machine.handle(probe(("hci0", true), ("hci1", false)), at: Sample.at(6)) == [.sleep(until: Sample.at(11))])
    _ = machine.handle(.woke, at: Sample.at(11))
    #expect(machine.handle(probe(("hci0", false), ("hci1", true)), at: Sample.at(12)) == [.back])
  }

  @Test func `one that goes away again at once is asked for less and less, one that goes much later as at first`() {
    var machine = machine()
    var now = Sample.start
    var pauses: [Duration] = []
    for _ in 1...6 {
      guard case .sleep(let until)? = machine.handle(failed(missing), at: now).last else { return }
      pauses.append(until - now)
      _ = machine.handle(.woke, at: until)
      #expect(machine.handle(probe(("hci0", true)), at: until) == [.back])
      now = until + .seconds(1)
    }
    #expect(pauses == [.seconds(5), .seconds(10), .seconds(20), .seconds(40), .seconds(60), .seconds(60)])
    #expect(machine.handle(failed(missing), at: now + .seconds(61)).last == .sleep(until: now + .seconds(66)))
  }

  @Test func `what is away for long is asked for every half minute`() {
    var machine = machine()
    _ = machine.handle(failed(missing), at: Sample.start)
    _ = machine.handle(.woke, at: Sample.at(700))
    #expect(machine.handle(.probed(.failure(missing)), at: Sample.at(701)) == [.sleep(until: Sample.at(731))])
  }

  @Test(arguments: Failure.allCases)
  func `only what can be away is looked for`(failure: Failure) {
    let subject = OutageMachine.Subject(failure, adapter: "hci0")
    var machine = machine(subject ?? .bus)
    let report = FailureReport(failure, at: .bus, "It went wrong.")
    #expect((machine.handle(failed(report), at: Sample.start) == []) == (subject == nil))
    if subject != nil { #expect(failure.whose == .bus || failure.whose == .adapter) }
  }
}
