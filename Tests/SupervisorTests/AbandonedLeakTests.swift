import Glibc
import Rig
import Testing

@testable import Supervisor

/// A process that not even SIGKILL ends. A frozen one is such a process, where this host can freeze (control groups of the first
/// version, as root); `TeardownTests` has the machine for everywhere. Counts descriptors, so nothing may run beside it (Tests/run).
@Suite(.enabled(if: ControlGroup.exists("freezer"))) struct AbandonedLeakTests {
  @Test(.timeLimit(.minutes(5))) func `a child that cannot be killed holds up nothing, and is reaped when it ends after all`()
    async throws
  {
    // The spawner and the runtime open theirs once.
    try await beOrdinary()
    let descriptors = Processes.descriptors().count
    let child = try await Spawner.shared.start(
      Command(path: Built.path("zoo"), arguments: ["hangs"], input: [10]), limits: .worker, deadline: .seconds(1),
      grace: .milliseconds(300))
    let freezer = try ControlGroup("freezer")
    // However this test ends, nothing of it stays frozen.
    defer {
      try? freezer.set("freezer.state", to: "THAWED")
      freezer.remove()
    }
    try freezer.take(child.pid)
    try freezer.set("freezer.state", to: "FROZEN")
    let hearing = Task { await child.output.reduce(into: []) { $0.append($1) } }
    // Others come and go meanwhile.
    for _ in 0..<20 { try await beOrdinary() }
    let events: [ChildEvent] = await hearing.value
    let ending = try #require(events.last?.ending)
    #expect(ending.cause == .abandoned)
    #expect(ending.lasted >= .milliseconds(6300) && ending.lasted < .seconds(9))
    #expect(events.contains(.deadline) && events.contains(.killed))
    #expect(Processes.state(of: child.pid) == "D")
    #expect(Processes.descriptors().count <= descriptors)
    // The loop counts it right after it has told its end.
    #expect(try await until { Spawner.shared.abandonedCount == 1 })
    try freezer.set("freezer.state", to: "THAWED")
    #expect(try await until { Spawner.shared.abandonedCount == 0 })
    #expect(Processes.state(of: child.pid) == nil)
  }

  /// Another child, which does as it should.
  private func beOrdinary() async throws {
    let other = try await Spawner.shared.start(Command(path: "/bin/true"), limits: .worker, deadline: .seconds(20))
    let events: [ChildEvent] = await other.output.reduce(into: []) { $0.append($1) }
    let ending = try #require(events.last?.ending)
    #expect(ending.cause == .exited(0) && ending.lasted < .seconds(2))
  }

  /// Looks for at most five seconds.
  private func until(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<500 {
      if condition() { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }
}

extension ChildEvent {
  fileprivate var ending: Ending? { if case .ended(let ending) = self { ending } else { nil } }
}
