import Glibc
import Readings
import Rig
import Supervisor
import Synchronization
import Testing

/// Half a second from SIGTERM to the end, at every stage. `Tests/run` runs this suite alone: beside eighty other processes a
/// loaded machine would be measured, not the worker.
@Suite(.serialized) struct PromptStopTests {
  /// When a stage line was answered with a signal.
  final class Mark: Sendable {
    private let time = Mutex<ContinuousClock.Instant?>(nil)
    func set() { time.withLock { $0 = $0 ?? .now } }
    var elapsed: Duration? { time.withLock { $0.map { $0.duration(to: .now) } } }
  }

  @Test(.timeLimit(.minutes(5)), arguments: StopTests.held)
  func `told to stop at any stage, it says so and is gone within half a second`(held: StopTests.Held) async throws {
    let scene = try await StopTests.scene(held)
    let mark = Mark()
    let run = try await scene.poll { line, child in
      guard case .stage(held.stage, _) = line.event else { return }
      mark.set()
      child.kill(SIGTERM)
    }
    #expect(try #require(mark.elapsed) < .milliseconds(500))
    #expect(run.events.last?.event == .stopped(held.stage), "\(run.raw)")
    #expect(run.exitCode == 75)
    // Its Disconnect is on its way though it did not wait (unless bluetoothd never frees this one).
    if !held.module.contains("disconnect_never") { #expect(try await scene.quiet() != nil) }
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: StopTests.held, [true, false])
  func `with the bus or bluetoothd frozen, it still stops within half a second`(held: StopTests.Held, freezeBus: Bool)
    async throws
  {
    let scene = try await StopTests.scene(held)
    let mark = Mark()
    let run = try await scene.poll { line, child in
      guard case .stage(held.stage, _) = line.event else { return }
      (freezeBus ? scene.simulation.bus : scene.simulation.simulator).kill(SIGSTOP)
      mark.set()
      child.kill(SIGTERM)
    }
    #expect(try #require(mark.elapsed) < .milliseconds(500))
    #expect(run.events.last?.event == .stopped(held.stage))
    #expect(run.exitCode == 75)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func `a deadline is kept to a fifth of a second, though bus or bluetoothd are frozen`(freezeBus: Bool) async throws {
    let scene = try await StopTests.scene(StopTests.held[3])
    let run = try await scene.poll(deadline: "5s") { line, _ in
      guard case .stage(StopTests.held[3].stage, _) = line.event else { return }
      (freezeBus ? scene.simulation.bus : scene.simulation.simulator).kill(SIGSTOP)
    }
    #expect(run.ending.lasted < .seconds(5.2))
    #expect(run.failure?.failure == (freezeBus ? .busSilent : .daemonSilent), "\(run.raw)")
    await scene.end()
  }

  static let byHand = ["poll", "--address", Scene.address, "--profile", "inverter"]

  @Test(.timeLimit(.minutes(5))) func `with nobody reading its events, it still stops within half a second`() async throws {
    let scene = try await Scene.one()
    let end = try #require(try await scene.stopWithFullPipe(for: STDOUT_FILENO, "blupow-worker", Self.byHand))
    #expect(end.exitCode == 75)
    #expect(end.took < .milliseconds(500))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `with nobody reading its log, it works and stops as ever, and leaves no link`() async throws
  {
    let scene = try await Scene.one(#""faults":[{"fault":"silent"}]"#)
    let end = try await scene.stopWithFullPipe(for: STDERR_FILENO, "blupow-worker", Self.byHand) { _ in
      scene.journal.lines.contains { $0.contains("\"saw\":\"request\"") }
    }
    #expect(try #require(end).exitCode == 75)
    #expect(try #require(end).took < .milliseconds(500))
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  // Off at once, or while it is being switched off: then it is waited for, for a part of the half second.
  @Test(.timeLimit(.minutes(5)), arguments: [0, 200, 5000])
  func `told to stop in a reset, it is gone within half a second`(power: Int) async throws {
    let scene = try await Scene.one(adapters: "[{\"name\":\"hci0\",\"power_ms\":\(power)}]")
    let mark = Mark()
    let run = try await scene.worker(["reset-adapter"]) { line, child in
      guard case .stage(.release, _) = line.event else { return }
      if power == 0 { _ = try? await scene.journal.wait { $0.contains("\"powered\":false") } }
      mark.set()
      child.kill(SIGTERM)
    }
    #expect(try #require(mark.elapsed) < .milliseconds(500))
    #expect(run.events.last?.event == .stopped(.release) && run.exitCode == 75, "\(run.raw)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `stuck where no stop is looked for, it dies by its alarm a second later`() async throws {
    let scene = try await Scene.one()
    let end = try #require(try await scene.stopOnFullBacklog())
    #expect(end.signal == SIGALRM)
    #expect(end.took > .milliseconds(900) && end.took < .milliseconds(1400))
    await scene.end()
  }
}
