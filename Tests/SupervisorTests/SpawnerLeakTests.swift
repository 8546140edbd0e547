import Rig
import Testing

@testable import Supervisor

/// Counts what this process holds, so nothing may run beside it (Tests/run).
@Suite struct SpawnerLeakTests {
  @Test func `200 runs of every kind leave no descriptor, no process and no grandchild`() async throws {
    let before = Processes.descriptors().count
    let animals = ["double_fork", "garbage", "hangs", "ignores_sigterm", "floods", "crashes", "stops_itself", "closes_stdout"]
    var pids: [Int32] = []
    for batch in 0..<10 {
      try await withThrowingTaskGroup(of: [Int32].self) { group in
        for number in 0..<20 {
          let animal = animals[(batch * 20 + number) % animals.count]
          let command = Command(path: Built.path("zoo"), arguments: [animal], input: [UInt8(ascii: "\n")])
          group.addTask {
            let child = try await Spawner.shared.start(
              command, limits: .worker, deadline: .milliseconds(150), grace: .milliseconds(50))
            var seen = [child.pid]
            for await event in child.output {
              if case .line(let line) = event, let pid = Int32(String(decoding: line, as: UTF8.self)) { seen.append(pid) }
            }
            return seen
          }
        }
        for try await seen in group { pids += seen }
      }
    }
    #expect(pids.count >= 200)
    for pid in pids { #expect(await Processes.isGone(pid)) }
    // The runtime opens one or two of its own, once; a leak of the rarest kind would be 25.
    #expect(Processes.descriptors().count <= before + 3)
  }
}
