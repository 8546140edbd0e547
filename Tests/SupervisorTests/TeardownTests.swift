import Glibc
import Testing

@testable import Supervisor

@Suite struct TeardownTests {
  private let start = ContinuousClock.now
  private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }
  private func machine(deadline: Double? = 25) -> Teardown {
    Teardown(deadline: deadline.map { at($0) }, grace: .seconds(2))
  }

  @Test func `before its deadline a child is left alone`() {
    var machine = machine()
    #expect(machine.handle(.tick, at: at(24.999)) == [])
    #expect(machine.next == at(25))
  }

  @Test func `at the deadline the group gets SIGTERM and is woken, two seconds later SIGKILL`() {
    var machine = machine()
    #expect(machine.handle(.tick, at: at(25)) == [.tell(.deadline), .signal(SIGTERM), .signal(SIGCONT)])
    #expect(machine.next == at(27))
    #expect(machine.handle(.tick, at: at(26.999)) == [])
    #expect(machine.handle(.tick, at: at(27)) == [.signal(SIGKILL), .tell(.killed)])
  }

  @Test func `a stop and an overflow end it as the deadline does, without the deadline's word`() {
    for event in [Teardown.Event.stop, .overflow] {
      var machine = machine(deadline: nil)
      #expect(machine.next == nil)
      #expect(machine.handle(event, at: at(3)) == [.signal(SIGTERM), .signal(SIGCONT)])
      #expect(machine.next == at(5))
    }
  }

  @Test func `a second stop does not prolong the grace`() {
    var machine = machine()
    _ = machine.handle(.stop, at: at(1))
    #expect(machine.handle(.stop, at: at(2)) == [])
    #expect(machine.handle(.tick, at: at(3)) == [.signal(SIGKILL), .tell(.killed)])
  }

  @Test func `what does not end five seconds after SIGKILL is abandoned`() {
    var machine = machine()
    _ = machine.handle(.stop, at: at(0))
    _ = machine.handle(.tick, at: at(2))
    #expect(machine.handle(.tick, at: at(6.999)) == [])
    #expect(machine.handle(.tick, at: at(7)) == [.abandon])
    #expect(machine.handle(.exited, at: at(8)) == [])
  }

  @Test func `whenever the leader ends, its group is killed before it is reaped`() {
    for before in [[], [Teardown.Event.stop], [.overflow]] {
      var machine = machine()
      for event in before { _ = machine.handle(event, at: at(1)) }
      #expect(machine.handle(.exited, at: at(2)) == [.signal(SIGKILL), .collect])
      #expect(machine.next == nil)
      #expect(machine.handle(.tick, at: at(99)) == [])
    }
  }
}
