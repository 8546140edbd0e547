import Logging
import Readings
import Rig
import Testing

@testable import Supervisor

@Suite struct IdentifyRunnerTests {
  private func runner(_ words: [String], path: String = Built.path("zoo"), deadline: Duration = .seconds(20)) -> IdentifyRunner {
    IdentifyRunner(
      worker: WorkerCommand(path: path, arguments: words, environment: [:]), deadline: deadline,
      log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  private func module() throws -> Module {
    Module(address: try #require(Address("D8:B6:73:BF:4F:75")), adapter: "hci0", name: "BT-TH-66F94E1C")
  }

  @Test func `everybody that answers, by unit`() async throws {
    let answer = await runner(["finds_a_hub"]).identify(try module())
    #expect(answer.failure == nil)
    #expect(
      answer.found == [
        Found(unit: 33, profile: "inverter", confidence: .model, model: "RIV1230RCH-SPS"),
        Found(unit: 97, profile: "inverter", confidence: .guess),
      ])
  }

  @Test func `nobody, with the worker's own words`() async throws {
    let answer = await runner(["finds_nobody"]).identify(try module())
    #expect(answer == IdentifyRunner.Answer(found: [], failure: FailureReport(.silent, at: .read, "Nobody answers behind it.")))
  }

  @Test func `a link that was left is released, and one that stays is told`() async throws {
    let released = await runner(["finds_one_and_leaves_its_link"]).identify(try module())
    #expect(released.found.map(\.unit) == [255] && released.failure == nil)
    let kept = await runner(["finds_one_and_leaves_its_link", "release_fails"]).identify(try module())
    #expect(kept.found.map(\.unit) == [255] && kept.failure?.failure == .daemonSilent)
  }

  @Test func `a worker that hangs is ended at the deadline, one that is missing is told`() async throws {
    let hung = await runner(["hangs"], deadline: .seconds(4)).identify(try module())
    #expect(hung.found == [] && hung.failure?.failure == .workerTimedOut)
    let missing = await runner([], path: "/nonexistent/blupow-worker").identify(try module())
    #expect(missing.found == [] && missing.failure?.failure == .workerMissing)
  }

  @Test func `cancelling stops the worker, and its link is released all the same`() async throws {
    let module = try module()
    let asking = Task { await runner(["hangs"]).identify(module) }
    asking.cancel()
    #expect(await asking.value.failure?.failure == .stopped)
  }
}
