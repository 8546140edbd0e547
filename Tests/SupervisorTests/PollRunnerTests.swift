import Logging
import Readings
import Rig
import Testing

@testable import Supervisor

/// What a supervisor makes of the short jobs, by the real worker beside the simulator; its polls are in `ZooTests`.
@Suite(.timeLimit(.minutes(5))) struct PollRunnerTests {
  private func runner(_ scene: Scene, worker: String = Built.path("blupow-worker")) -> PollRunner {
    PollRunner(
      worker: WorkerCommand(path: worker, arguments: [], environment: scene.environment),
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  /// What is wrong with the host, where anything is.
  private func verdict(_ runner: PollRunner) async -> String {
    switch await runner.probe(probe) {
    case .success(let probe): probe.adapters.map { "\($0.name) \($0.powered ? "on" : "off")" }.joined(separator: ", ")
    case .failure(let report): report.failure.rawValue
    }
  }

  private let probe = Request(poll: "p-1", deadline: .seconds(8), job: .probe)
  private let reset = Request(poll: "p-2", deadline: .seconds(15), job: .resetAdapter(adapter: nil))

  @Test func `a probe says which adapters there are, or why bluetoothd cannot be asked`() async throws {
    let scene = try await Scene.one()
    #expect(await verdict(runner(scene)) == "hci0 on")
    _ = try await scene.tell(#"{"do":"power","adapter":"hci0","on":false}"#)
    #expect(await verdict(runner(scene)) == "hci0 off")
    _ = try await scene.tell(#"{"do":"remove_adapter","adapter":"hci0"}"#)
    #expect(await verdict(runner(scene)) == "")
    await scene.end()
    #expect(await verdict(runner(scene)) == "bus_missing")
    #expect(await verdict(runner(scene, worker: "/nowhere")) == "worker_missing")
  }

  @Test func `a reset is nil when the adapter is on again`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0","powered":false}]"#)
    #expect(await verdict(runner(scene)) == "hci0 off")
    #expect(await runner(scene).reset(reset) == nil)
    #expect(await verdict(runner(scene)) == "hci0 on")
    await scene.end()
  }

  @Test func `a reset that is cancelled is stopped, and leaves the adapter on`() async throws {
    let scene = try await Scene.one()
    let resetting = Task { await runner(scene).reset(reset) }
    _ = try await scene.journal.wait { $0.contains(#""powered":false"#) }
    resetting.cancel()
    #expect(await resetting.value?.failure == .stopped)
    _ = try await scene.journal.wait { $0.contains(#""adapter":"hci0","powered":true"#) }
    #expect(await verdict(runner(scene)) == "hci0 on")
    await scene.end()
  }

  @Test func `a reset of no one adapter says which there are`() async throws {
    let scene = try await Scene.one(adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    let report = await runner(scene).reset(reset)
    #expect(report?.failure == .badRequest && report?.message.contains("hci0, hci1") == true)
    await scene.end()
  }
}
