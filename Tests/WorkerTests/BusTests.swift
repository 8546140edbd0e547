import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// A bus or a bluetoothd that is missing, refuses, or goes away under the worker.
@Suite struct BusTests {
  @Test(.timeLimit(.minutes(5))) func `no bus at all`() async throws {
    let scene = try await Scene.one()
    await scene.simulation.end()
    let run = try await scene.poll()
    #expect(run.failure?.failure == .busMissing)
    #expect(run.exitCode == 69)
  }

  @Test(.timeLimit(.minutes(5))) func `a bus without bluetoothd`() async throws {
    let scene = try await Scene.one()
    scene.simulation.simulator.kill(SIGKILL)
    try await scene.untilSimulatorIsGone()
    let run = try await scene.poll()
    #expect(run.failure?.failure == .daemonMissing)
    #expect(run.failure?.stage == .bus)
    #expect(run.exitCode == 69)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: StopTests.held)
  func `bluetoothd killed at any stage ends the poll at once`(held: StopTests.Held) async throws {
    let scene = try await StopTests.scene(held)
    let run = try await scene.poll { line, _ in
      guard case .stage(held.stage, _) = line.event else { return }
      scene.simulation.simulator.kill(SIGKILL)
    }
    #expect((run.failure ?? run.done?.trouble)?.failure == .daemonMissing, "\(run.raw)")
    #expect(run.ending.lasted < .seconds(10))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: StopTests.held)
  func `the bus killed at any stage ends the poll at once`(held: StopTests.Held) async throws {
    let scene = try await StopTests.scene(held)
    let run = try await scene.poll { line, _ in
      guard case .stage(held.stage, _) = line.event else { return }
      scene.simulation.bus.kill(SIGKILL)
    }
    // At the first stage it may be gone before it was connected to.
    let failures: [Failure] = held.stage == .bus ? [.busLost, .busMissing] : [.busLost]
    #expect((run.failure ?? run.done?.trouble).map { failures.contains($0.failure) } == true, "\(run.raw)")
    #expect(run.ending.lasted < .seconds(10))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a bus that refuses this user`() async throws {
    let scene = try await Scene.start("{}", busPolicy: #"<deny send_destination="org.bluez"/>"#)
    let run = try await scene.poll()
    #expect(run.failure?.failure == .accessDenied)
    #expect(run.exitCode == 77)
    await scene.end()
  }
}
