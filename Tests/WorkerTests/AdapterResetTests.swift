import BlueZ
import DBus
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// An adapter is switched off and on, and never left off.
@Suite(.timeLimit(.minutes(5))) struct AdapterResetTests {
  private static let off = #""adapter":"hci0","powered":false"#

  /// What the journal says of the adapters' power, in its order.
  private static func powers(_ scene: Scene) async throws -> [Bool] {
    // Its answer comes behind all that the journal had to say.
    _ = try await scene.state()
    return scene.journal.lines.filter { $0.contains("\"saw\":\"adapter\"") }.map { $0.contains("\"powered\":true") }
  }

  private static func isOn(_ scene: Scene) async throws -> Bool {
    try await scene.client().property("Powered", of: BusClient.adapter, ObjectTree.adapter)?.asBool == true
  }

  /// Does that once the adapter is off.
  private static func reset(
    _ scene: Scene, _ more: [String] = [], whenOff: @escaping @Sendable (Child) async -> Void = { _ in }
  ) async throws -> WorkerRun {
    try await scene.worker(["reset-adapter"] + more) { line, child in
      guard case .stage(.release, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains(Self.off) }
      await whenOff(child)
    }
  }

  @Test func `off, two seconds, on, three and a half: every link has fallen, and polls go on`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.client().connect(Scene.address)
    let run = try await scene.worker(["reset-adapter"])
    #expect(run.exitCode == 0 && run.done?.link == Done.Link.none, "\(run.raw)")
    #expect(run.stages == [.bus, .release])
    let spent = try #require(run.done?.stages[.release])
    #expect(spent >= 5500 && spent < 8000)
    #expect(try await Self.powers(scene) == [false, true])
    #expect(scene.journal.lines.contains { $0.contains("\"saw\":\"link_closed\"") && $0.contains("\"by\":\"power\"") })
    #expect(try await scene.poll().exitCode == 0)
    await scene.end()
  }

  @Test func `one that is off is switched on`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","powered":false}]"#)
    let run = try await scene.worker(["reset-adapter"])
    #expect(run.exitCode == 0, "\(run.raw)")
    // It settles, and nothing else is waited for.
    let spent = try #require(run.done?.stages[.release])
    #expect(spent >= 3500 && spent < 5000)
    #expect(try await Self.powers(scene) == [true])
    #expect(try await scene.poll().exitCode == 0)
    await scene.end()
  }

  @Test func `of several the one that is named, and none where none is`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    let unnamed = try await scene.worker(["reset-adapter"])
    #expect(unnamed.failure?.failure == .badRequest && unnamed.exitCode == 64, "\(unnamed.raw)")
    #expect(
      unnamed.failure?.message == "There is more than one adapter (hci0, hci1): name the one to reset.")
    let absent = try await scene.worker(["reset-adapter", "--adapter", "hci7"])
    #expect(absent.failure?.failure == .adapterMissing && absent.exitCode == 69, "\(absent.raw)")
    #expect(try await Self.powers(scene) == [])
    let named = try await scene.worker(["reset-adapter", "--adapter", "hci1"])
    #expect(named.exitCode == 0, "\(named.raw)")
    #expect(try await Self.powers(scene) == [false, true])
    let told = scene.journal.lines.filter { $0.contains("\"saw\":\"adapter\"") }
    #expect(told.allSatisfy { $0.contains("hci1") })
    await scene.end()
  }

  @Test func `told to stop between off and on, it leaves it on`() async throws {
    let scene = try await Scene.one()
    let run = try await Self.reset(scene) { $0.kill(SIGTERM) }
    #expect(run.events.last?.event == .stopped(.release) && run.exitCode == 75, "\(run.raw)")
    #expect(run.ending.lasted < .seconds(2) + Worlds.slack)
    // It is on its way though the worker has gone.
    _ = try await scene.journal.wait { $0.contains(#""adapter":"hci0","powered":true"#) }
    await scene.end()
  }

  @Test(arguments: [0, 40, 150])
  func `told to stop while it is being switched off, it leaves it on`(instant: Int) async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","power_ms":200}]"#)
    let run = try await scene.worker(["reset-adapter"]) { line, child in
      guard case .stage(.release, _) = line.event else { return }
      // The instant is what is tried, not what is waited for.
      try? await Task.sleep(for: .milliseconds(instant))
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(.release) && run.exitCode == 75, "\(run.raw)")
    // Whatever was still under way then has ended.
    try await Task.sleep(for: .milliseconds(500))
    #expect(try await Self.isOn(scene), "\(scene.journal.lines.suffix(4))")
    await scene.end()
  }

  @Test func `one that somebody else is switching off just now is waited for, and switched on`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","power_ms":700}]"#)
    let client = try await scene.client()
    let run = try await scene.worker(["reset-adapter"]) { line, _ in
      guard case .stage(.bus, _) = line.event else { return }
      _ = try? await client.send(
        "Set", ObjectTree.properties, on: BusClient.adapter,
        [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(false))])
    }
    #expect(run.exitCode == 0, "\(run.raw)")
    #expect(try await Self.powers(scene) == [false, true])
    await scene.end()
  }

  @Test func `where bluetoothd answers too late, nothing is begun`() async throws {
    let scene = try await Scene.one()
    await scene.simulation.simulator.freeze()
    let run = try await scene.worker(["reset-adapter", "--deadline", "10s"]) { line, _ in
      guard case .stage(.bus, _) = line.event else { return }
      try? await Task.sleep(for: .seconds(5))
      scene.simulation.simulator.kill(SIGCONT)
    }
    #expect(run.failure?.failure == .daemonSilent, "\(run.raw)")
    #expect(try await Self.powers(scene) == [])
    await scene.end()
  }

  @Test func `one that takes too long is named, and switched on again all the same`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","power_ms":5500}]"#)
    let run = try await scene.worker(["reset-adapter"])
    #expect(run.failure?.failure == .daemonSilent && run.failure?.stage == .release, "\(run.raw)")
    #expect(run.failure?.message.hasPrefix("hci0 could not be switched off") == true)
    #expect(run.ending.lasted < .seconds(8) + Worlds.slack)
    let mark = scene.journal.lines.firstIndex { $0.contains(Self.off) } ?? 0
    _ = try await scene.journal.wait(from: mark) { $0.contains(#""adapter":"hci0","powered":true"#) }
    await scene.end()
  }

  @Test func `killed between off and on, it leaves it off; a probe says so, and the next reset mends it`() async throws {
    let scene = try await Scene.one()
    let killed = try await Self.reset(scene) { $0.kill(SIGKILL) }
    #expect(killed.ending.cause == .signalled(SIGKILL))
    #expect(try await scene.worker(["probe"]).failure?.failure == .adapterOff)
    #expect(try await scene.worker(["reset-adapter"]).exitCode == 0)
    #expect(try await scene.worker(["probe"]).exitCode == 0)
    await scene.end()
  }

  @Test func `one that rfkill blocks is off, and the advice names rfkill`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","blocked":true}]"#)
    let run = try await scene.worker(["reset-adapter"])
    #expect(run.failure?.failure == .adapterOff && run.exitCode == 69, "\(run.raw)")
    #expect(run.failure?.message.contains("Blocked through rfkill") == true)
    #expect(run.failure?.failure.advice.contains("rfkill") == true)
    await scene.end()
  }

  @Test func `one that is pulled while it is off is missing`() async throws {
    let scene = try await Scene.one()
    let run = try await Self.reset(scene) { _ in
      _ = try? await scene.tell(#"{"do":"remove_adapter","adapter":"hci0"}"#)
    }
    #expect(run.failure?.failure == .adapterMissing && run.exitCode == 69, "\(run.raw)")
    await scene.end()
  }

  @Test func `where this user may not, it stays as it is`() async throws {
    let scene = try await Scene.start(
      "{}",
      busPolicy: #"<deny send_destination="org.bluez" send_interface="org.freedesktop.DBus.Properties" send_member="Set"/>"#)
    let run = try await scene.worker(["reset-adapter"])
    #expect(run.failure?.failure == .accessDenied && run.exitCode == 77, "\(run.raw)")
    #expect(try await Self.isOn(scene))
    await scene.end()
  }

  @Test func `without an adapter, bluetoothd or a bus`() async throws {
    let none = try await Scene.one(adapters: "[]")
    #expect(try await none.worker(["reset-adapter"]).failure?.failure == .adapterMissing)
    none.simulation.simulator.kill(SIGKILL)
    try await none.untilSimulatorIsGone()
    #expect(try await none.worker(["reset-adapter"]).failure?.failure == .daemonMissing)
    await none.simulation.end()
    #expect(try await none.worker(["reset-adapter"]).failure?.failure == .busMissing)
  }
}
