import Readings
import Rig
import Supervisor
import Testing

/// A discovery that does not begin, or that nobody is heard in, is begun again, once.
@Suite(.timeLimit(.minutes(5))) struct DiscoveryTests {
  private static func started(_ scene: Scene) async throws -> Int {
    // Its answer comes behind all that the journal had to say.
    _ = try await scene.state()
    return scene.journal.lines.count { $0.contains("\"saw\":\"discovery_started\"") }
  }

  private static func isToldOf(_ run: WorkerRun) -> Bool { run.log.contains { $0.contains("the discovery is begun again") } }

  @Test func `one in which nobody is heard is begun again, and the module is found`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"discovers_nobody","times":1}]"#)
    // Of a deadline of 8 s, 2.5 s are for looking.
    let run = try await scene.poll(deadline: "8s")
    #expect(run.readings != nil && run.done?.attempts == 1, "\(run.raw)")
    #expect(try #require(run.done?.stages[.scan]) >= 1400)
    #expect(Self.isToldOf(run), "\(run.log)")
    #expect(try await Self.started(scene) == 2)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `once: then nothing was heard`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"discovers_nobody"}]"#)
    let run = try await scene.poll(deadline: "8s")
    #expect(run.failure?.failure == .notSeen, "\(run.raw)")
    #expect(run.failure?.message.contains("nothing else was heard either") == true)
    #expect(try await Self.started(scene) == 2)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `where somebody is heard, it is the module that is not there`() async throws {
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"D8:B6:73:BF:4F:75","advertising":false,"delays":\(Scene.fast),"devices":[]},
        {"address":"AA:BB:CC:00:11:22","name":"Fridge","delays":\(Scene.fast),"devices":[]}]}
      """)
    let run = try await scene.poll(deadline: "8s")
    #expect(run.failure?.failure == .notSeen, "\(run.raw)")
    #expect(!Self.isToldOf(run))
    #expect(try await Self.started(scene) == 1)
    await scene.end()
  }

  @Test func `one that is refused is asked for again at once`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"discovery_refused","times":1}]"#)
    let run = try await scene.poll()
    #expect(run.readings != nil && Self.isToldOf(run), "\(run.raw) \(run.log)")
    #expect(try #require(run.done?.stages[.scan]) < 1000)
    await scene.end()
  }

  @Test func `whatever the reason, it is begun again once`() async throws {
    let scene = try await Scene.one(
      #""faults":[{"fault":"discovery_refused","times":1},{"fault":"discovers_nobody"}]"#)
    let run = try await scene.poll(deadline: "8s")
    #expect(run.failure?.failure == .notSeen, "\(run.raw)")
    #expect(try await Self.started(scene) == 1)
    await scene.end()
  }

  @Test func `one that is refused again is said`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"discovery_refused"}]"#)
    let run = try await scene.poll()
    #expect(run.failure?.failure == .daemonError && run.failure?.stage == .scan, "\(run.raw)")
    #expect(run.failure?.message.contains("Operation already in progress") == true)
    #expect(run.ending.lasted < .seconds(10))
    await scene.end()
  }

  @Test func `so is a scan's`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"discovers_nobody","times":1}]"#)
    let run = try await scene.worker(["scan", "--for", "1s"])
    #expect(run.events.contains { if case .seen = $0.event { true } else { false } }, "\(run.raw)")
    #expect(try await Self.started(scene) == 2)
    await scene.end()
  }
}
