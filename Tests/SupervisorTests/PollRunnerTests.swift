import Logging
import Readings
import Rig
import Testing

@testable import Supervisor

/// What a supervisor makes of the short jobs, by the real worker beside the simulator; its polls are in `ZooTests`.
@Suite(.timeLimit(.minutes(1))) struct PollRunnerTests {
  private func runner(_ scene: Scene, worker: String = Built.path("blupow-worker")) -> PollRunner {
    PollRunner(
      worker: WorkerCommand(path: worker, arguments: [], environment: scene.environment),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private let probe = Request(poll: "p-1", deadline: .seconds(8), job: .probe)
  private let reset = Request(poll: "p-2", deadline: .seconds(15), job: .resetAdapter(adapter: nil))

  @Test func `a probe is nil where all is well, and says what is not`() async throws {
    let scene = try await Scene.one()
    #expect(await runner(scene).probe(probe) == nil)
    _ = try await scene.tell(#"{"do":"power","adapter":"hci0","on":false}"#)
    #expect(await runner(scene).probe(probe)?.failure == .adapterOff)
    _ = try await scene.tell(#"{"do":"remove_adapter","adapter":"hci0"}"#)
    #expect(await runner(scene).probe(probe)?.failure == .adapterMissing)
    await scene.end()
    #expect(await runner(scene).probe(probe)?.failure == .busMissing)
    #expect(await runner(scene, worker: "/nowhere").probe(probe)?.failure == .workerMissing)
  }

  @Test func `a reset is nil when the adapter is on again`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","powered":false}]"#)
    #expect(await runner(scene).probe(probe)?.failure == .adapterOff)
    #expect(await runner(scene).reset(reset) == nil)
    #expect(await runner(scene).probe(probe) == nil)
    await scene.end()
  }

  @Test func `a reset that is cancelled is stopped, and leaves the adapter on`() async throws {
    let scene = try await Scene.one()
    let resetting = Task { await runner(scene).reset(reset) }
    _ = try await scene.journal.wait { $0.contains(#""powered":false"#) }
    resetting.cancel()
    #expect(await resetting.value?.failure == .stopped)
    _ = try await scene.journal.wait { $0.contains(#""adapter":"hci0","powered":true"#) }
    #expect(await runner(scene).probe(probe) == nil)
    await scene.end()
  }

  @Test func `a reset of no one adapter says which there are`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    let report = await runner(scene).reset(reset)
    #expect(report?.failure == .badRequest && report?.message.contains("hci0, hci1") == true)
    await scene.end()
  }
}
