import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// What a worker does when it is told to stop, and when the bus or bluetoothd stop under it, at every stage.
@Suite struct StopTests {
  /// A module that keeps the worker in one stage.
  struct Held: Sendable, CustomTestStringConvertible {
    var stage: Stage
    var module: String
    var hasStandingLink = false
    var testDescription: String { stage.rawValue }
  }

  static let held = [
    Held(stage: .bus, module: #""faults":[{"fault":"daemon_mute","method":"GetManagedObjects"}]"#),
    Held(stage: .scan, module: #""faults":[{"fault":"not_advertising"}]"#),
    Held(stage: .release, module: #""known":true,"faults":[{"fault":"disconnect_never"}]"#, hasStandingLink: true),
    Held(stage: .connect, module: #""known":true,"faults":[{"fault":"never_connects"}]"#),
    Held(stage: .services, module: #""faults":[{"fault":"services_never_resolve"}]"#),
    Held(stage: .subscribe, module: #""faults":[{"fault":"daemon_mute","method":"StartNotify"}]"#),
    Held(stage: .read, module: #""faults":[{"fault":"silent"}]"#),
    Held(stage: .disconnect, module: #""faults":[{"fault":"disconnect_never"}]"#),
  ]

  static func scene(_ held: Held) async throws -> Scene {
    let scene = try await Scene.one(held.module)
    if held.hasStandingLink { _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#) }
    return scene
  }

  @Test(.timeLimit(.minutes(5)), arguments: held, [true, false])
  func `with the bus or bluetoothd frozen, it ends at its deadline, at no CPU`(held: Held, freezeBus: Bool) async throws {
    let scene = try await Self.scene(held)
    let run = try await scene.poll(deadline: "6s") { line, _ in
      guard case .stage(held.stage, _) = line.event else { return }
      (freezeBus ? scene.simulation.bus : scene.simulation.simulator).kill(SIGSTOP)
    }
    #expect(run.ending.lasted < .seconds(6) + Worlds.slack)
    #expect(run.ending.cpu < .milliseconds(150))
    #expect(run.done != nil)
    if held.stage != .disconnect {
      #expect(run.failure?.failure == (freezeBus ? .busSilent : .daemonSilent), "\(run.raw)")
    }
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func `with the bus or bluetoothd frozen before the start, it ends at its deadline`(freezeBus: Bool) async throws {
    let scene = try await Scene.one()
    await (freezeBus ? scene.simulation.bus : scene.simulation.simulator).freeze()
    let run = try await scene.poll(deadline: "5s")
    #expect(run.failure?.failure == (freezeBus ? .busSilent : .daemonSilent), "\(run.raw)")
    #expect(run.exitCode == 75)
    #expect(run.ending.lasted < .seconds(5) + Worlds.slack)
    #expect(run.ending.cpu < .milliseconds(150))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `told to stop while it waits for the lock, it stops`() async throws {
    let scene = try await Scene.one()
    let lock = try HeldLock(of: Scene.address, under: scene.simulation.directory)
    let run = try await scene.poll { line, child in
      if case .stage(.lock, _) = line.event { child.kill(SIGTERM) }
    }
    #expect(run.events.last?.event == .stopped(.lock))
    lock.free()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a module that another worker holds is waited for, then named`() async throws {
    let scene = try await Scene.one()
    let lock = try HeldLock(of: Scene.address, under: scene.simulation.directory)
    let run = try await scene.poll(deadline: "5s")
    #expect(run.failure?.failure == .held)
    #expect(run.failure?.stage == .lock)
    #expect(run.exitCode == 75)
    #expect(run.ending.lasted > .milliseconds(900) && run.ending.lasted < .seconds(5) + Worlds.slack)
    lock.free()
    #expect(try await scene.poll().exitCode == 0)
    await scene.end()
  }
}

/// A module's lock, held by the test itself.
final class HeldLock: Sendable {
  private let descriptor: Int32

  init(of address: String, under directory: String) throws {
    mkdir("\(directory)/blupow", 0o755)
    mkdir("\(directory)/blupow/lock", 0o755)
    descriptor = open("\(directory)/blupow/lock/\(address)", O_RDONLY | O_CREAT | O_CLOEXEC, 0o644)
    try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
  }

  func free() { close(descriptor) }
}
