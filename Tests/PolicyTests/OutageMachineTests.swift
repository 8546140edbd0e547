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

  /// A machine that was told so by a poll and by a probe.
  private func away(_ subject: OutageMachine.Subject = .bus, _ report: FailureReport? = nil) -> OutageMachine {
    var machine = machine(subject)
    let report = report ?? missing
    #expect(machine.handle(failed(report), at: Sample.start) == [.sleep(until: Sample.start)])
    #expect(machine.handle(.woke, at: Sample.start) == [.probe])
    #expect(machine.handle(.probed(.failure(report)), at: Sample.start) == [.away(report), .sleep(until: Sample.at(5))])
    return machine
  }

  @Test func `what a probe finds away too is looked for every five seconds until it is back`() {
    var machine = away()
    #expect(machine.handle(failed(missing), at: Sample.at(1)) == [], "it is known")
    #expect(machine.handle(.woke, at: Sample.at(4)) == [.sleep(until: Sample.at(5))])
    #expect(machine.handle(.woke, at: Sample.at(5)) == [.probe])
    #expect(machine.handle(.probed(.failure(missing)), at: Sample.at(6)) == [.sleep(until: Sample.at(11))])
    #expect(machine.handle(.woke, at: Sample.at(11)) == [.probe])
    #expect(machine.handle(probe(("hci0", true)), at: Sample.at(12)) == [.back, .pollWaiting])
    #expect(machine.handle(.woke, at: Sample.at(16)) == [])
  }

  @Test func `what one module alone meets is no outage: it has one more try, and is then left to its interval`() {
    var machine = machine()
    let silent = FailureReport(.daemonSilent, at: .scan, "StartDiscovery was not answered.")
    _ = machine.handle(failed(silent), at: Sample.start)
    _ = machine.handle(.woke, at: Sample.start)
    #expect(machine.handle(probe(("hci0", true)), at: Sample.at(1)) == [.pollWaiting])
    var now = 20.0
    for _ in 1...30 {
      guard case .sleep(let until)? = machine.handle(failed(silent), at: Sample.at(now)).last else { return }
      #expect(machine.handle(.woke, at: until) == [.probe])
      #expect(machine.handle(probe(("hci0", true)), at: until) == [])
      now += 300
    }
    // Another module's success clears it too.
    _ = machine.handle(failed(silent), at: Sample.at(now))
    #expect(machine.handle(succeeded(by: .bluez), at: Sample.at(now + 1)) == [])
    #expect(machine.state == .well)
  }

  @Test func `a bus that found no adapter is there, and the reason is said again where it changes`() {
    var machine = away()
    _ = machine.handle(.woke, at: Sample.at(5))
    let silent = FailureReport(.daemonSilent, at: .bus, "bluetoothd does not answer.")
    #expect(machine.handle(.probed(.failure(silent)), at: Sample.at(6)) == [.away(silent), .sleep(until: Sample.at(11))])
    _ = machine.handle(.woke, at: Sample.at(11))
    #expect(machine.handle(.probed(.failure(off)), at: Sample.at(12)) == [.back, .pollWaiting])
  }

  @Test func `a probe that failed by us says nothing`() {
    var machine = away()
    _ = machine.handle(.woke, at: Sample.at(5))
    let crashed = FailureReport(.workerCrashed, at: .start, "The worker crashed.")
    #expect(machine.handle(.probed(.failure(crashed)), at: Sample.at(6)) == [.sleep(until: Sample.at(11))])
  }

  @Test func `a poll that succeeded by bluetoothd has found it, one by the kernel has not`() {
    var machine = away()
    #expect(machine.handle(succeeded(by: .kernel), at: Sample.at(1)) == [])
    #expect(machine.handle(succeeded(by: .bluez), at: Sample.at(2)) == [.back, .pollWaiting])
  }

  @Test func `the late answer to a question of before leaves what is suspected since to its own time`() {
    var machine = away()
    _ = machine.handle(.woke, at: Sample.at(5))
    _ = machine.handle(succeeded(by: .bluez), at: Sample.at(6))
    #expect(machine.handle(failed(missing), at: Sample.at(7)) == [.sleep(until: Sample.at(12))])
    #expect(machine.handle(probe(("hci0", true)), at: Sample.at(8)) == [.sleep(until: Sample.at(12))])
    #expect(machine.handle(.woke, at: Sample.at(12)) == [.probe])
  }

  @Test func `an adapter is back when it is on, whatever the others are`() {
    var machine = away(.adapter("hci1"), FailureReport(.adapterOff, at: .bus, "hci1 is off."))
    _ = machine.handle(.woke, at: Sample.at(5))
    #expect(machine.handle(probe(("hci0", true), ("hci1", false)), at: Sample.at(6)) == [.sleep(until: Sample.at(11))])
    _ = machine.handle(.woke, at: Sample.at(11))
    #expect(machine.handle(probe(("hci0", false), ("hci1", true)), at: Sample.at(12)) == [.back, .pollWaiting])
  }

  @Test func `one that goes again and again is looked for less and less`() {
    var machine = machine()
    var now = Sample.start
    var pauses: [Duration] = []
    for _ in 1...7 {
      guard case .sleep(let until)? = machine.handle(failed(missing), at: now).last else { return }
      pauses.append(until - now)
      _ = machine.handle(.woke, at: until)
      _ = machine.handle(.probed(.failure(missing)), at: until)
      #expect(machine.handle(succeeded(by: .bluez), at: until + .seconds(1)) == [.back, .pollWaiting])
      now = until + .seconds(2)
    }
    #expect(pauses == [0, 5, 10, 20, 40, 60, 60].map { .seconds($0) })
    #expect(machine.handle(failed(missing), at: now + .seconds(601)).last == .sleep(until: now + .seconds(601)))
  }

  @Test func `what is away for long is asked for every half minute`() {
    var machine = away()
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
