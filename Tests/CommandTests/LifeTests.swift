import Foundation
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// How `blupow run`, `poll` and `demo` end, and what they leave: nothing.
@Suite struct LifeTests {
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("discovery_started", #""faults":[{"fault":"not_advertising"}]"#),
      ("connect_asked", #""faults":[{"fault":"never_connects"}]"#), ("linked", #""faults":[{"fault":"services_never_resolve"}]"#),
      ("request", #""faults":[{"fault":"silent"}]"#), ("disconnect_asked", ""),
    ])
  func `a supervisor killed -9 takes its worker along, and the next start finds the link free`(
    moment: String, module: String
  ) async throws {
    let scene = try await Scene.one(module, delays: Scene.fast.replacing("\"disconnect_ms\":20", with: "\"disconnect_ms\":2000"))
    let child = try await scene.start(["run"], config: PollCommandTests.config)
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"\(moment)\"") }
    let worker = try #require(ProcessTable.running("blupow-worker", under: child.pid).first)
    kill(child.pid, SIGKILL)
    let lived = try await ProcessTable.end(of: worker, within: .seconds(10))
    #expect(try #require(lived) < .seconds(1.5) + Worlds.slack)
    #expect(try await scene.quiet() != nil)
    _ = await Scene.hear(child)
    _ = try await scene.tell(#"{"do":"faults","address":"D8:B6:73:BF:4F:75","faults":[]}"#)
    #expect(try await scene.blupow(["poll"], config: PollCommandTests.config).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `with worker and supervisor killed -9 the link stands, and the next start frees it`()
    async throws
  {
    let scene = try await Scene.one(#""faults":[{"fault":"silent","times":1}]"#)
    let child = try await scene.start(["run"], config: PollCommandTests.config)
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"request\"") }
    let worker = try #require(ProcessTable.running("blupow-worker", under: child.pid).first)
    kill(worker, SIGSTOP)  // so that it cannot disconnect when its parent dies
    kill(child.pid, SIGKILL)
    kill(worker, SIGKILL)
    _ = await Scene.hear(child)
    #expect(try await scene.state().contains("\"links\":[\"\(Scene.address)\"]"))
    let next = try await scene.start(["run"], config: PollCommandTests.config)
    var hasSaidSo = false
    for await event in next.output {
      guard case .errorLine(let line) = event, line.contains("that link was freed") else { continue }
      hasSaidSo = true
      kill(next.pid, SIGTERM)
    }
    #expect(hasSaidSo)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(10))) func `a supervisor killed -9 at any instant leaves no worker and no link`() async throws {
    let scene = try await Scene.one(
      delays: #"{"advertise_ms":20,"connect_ms":60,"services_ms":40,"reply_ms":15,"fragment_ms":2,"disconnect_ms":60}"#)
    // Spread over the start and the poll, which takes about 0.4 s.
    for milliseconds in stride(from: 5, through: 500, by: 33) {
      let child = try await scene.start(["run"], config: PollCommandTests.config)
      try await Task.sleep(for: .milliseconds(milliseconds))
      let workers = ProcessTable.running("blupow-worker", under: child.pid)
      kill(child.pid, SIGKILL)
      for worker in workers {
        let lived = try await ProcessTable.end(of: worker, within: .seconds(10))
        #expect(try #require(lived) < .seconds(1.5) + Worlds.slack, "after \(milliseconds) ms")
      }
      _ = await Scene.hear(child)
      #expect(try await scene.quiet() != nil, "after \(milliseconds) ms: \(scene.journal.lines.suffix(5))")
    }
    #expect(try await scene.blupow(["poll"], config: PollCommandTests.config).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [SIGTERM, SIGINT])
  func `run ends cleanly in under five seconds in the middle of a poll`(signal: Int32) async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"silent"}]"#)
    let child = try await scene.start(["run"], config: PollCommandTests.config)
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"request\"") }
    let start = ContinuousClock.now
    kill(child.pid, signal)
    let run = await Scene.hear(child)
    #expect(start.duration(to: .now) < .seconds(5))
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(try await scene.isQuiet())
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [STDOUT_FILENO, STDERR_FILENO])
  func `a log or output that nobody reads holds neither the polls nor the end`(stuck: Int32) async throws {
    let scene = try await Scene.one()
    let path = "\(scene.simulation.directory)/stuck.yaml"
    try scene.write("interval: 1s\n" + PollCommandTests.config, to: path)
    let end = try await scene.stopWithFullPipe(
      for: stuck, "blupow", ["run", "-v", "--config", path], more: ["BLUPOW_MIN_INTERVAL": "1s"]
    ) { _ in scene.journal.lines.count { $0.contains("\"saw\":\"link_closed\"") } >= 4 }
    #expect(try #require(end).exitCode == 0)
    #expect(try #require(end).took < .seconds(5))
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a demo whose output nobody reads still ends, and leaves nothing`() async throws {
    let scene = try await Scene.start("{}")
    let own = scene.simulation.directory
    let end = try await scene.stopWithFullPipe(for: STDOUT_FILENO, "blupow", ["demo"], more: ["TMPDIR": own]) { pid in
      !ProcessTable.running("blupow-worker", under: pid).isEmpty
    }
    #expect(try #require(end).exitCode == 0)
    #expect(try #require(end).took < .seconds(6))
    #expect(try names(in: own).filter { $0.hasPrefix("blupow-") } == [])
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [1, 10, 20, 30, 50, 80, 150])
  func `a demo that is told to end while it starts leaves nothing`(milliseconds: Int) async throws {
    let scene = try await Scene.start("{}")
    let own = scene.simulation.directory
    let child = try await scene.start(["demo"], more: ["TMPDIR": own])
    try await Task.sleep(for: .milliseconds(milliseconds))
    kill(child.pid, [SIGINT, SIGHUP, SIGTERM][milliseconds % 3])
    _ = await Scene.hear(child)
    #expect(try names(in: own).filter { $0.hasPrefix("blupow-") } == [], "after \(milliseconds) ms")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a result that cannot be written is no success`() async throws {
    let scene = try await Scene.one()
    try scene.write(
      "#!/bin/sh\nexec '\(Built.path("blupow"))' poll >/dev/full\n", to: "\(scene.simulation.directory)/full", isProgram: true)
    let path = "\(scene.simulation.directory)/c.yaml"
    try scene.write(PollCommandTests.config, to: path)
    let child = try await Spawner.shared.start(
      Command(
        path: "\(scene.simulation.directory)/full", environment: scene.environment.merging(["BLUPOW_CONFIG": path]) { $1 }),
      limits: .command, deadline: .seconds(60))
    let run = await Scene.hear(child)
    #expect(run.exitCode == 70)
    #expect(run.errors.contains("could not be written"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `run polls again and again, and logs what changes, not every poll`() async throws {
    let scene = try await Scene.one()
    let child = try await scene.start(["run"], config: "interval: 1s\n" + PollCommandTests.config)
    for _ in 1...3 {
      let mark = scene.journal.count
      _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") }
    }
    kill(child.pid, SIGTERM)
    let run = await Scene.hear(child)
    #expect(run.errors.components(separatedBy: "Inverter is connected").count == 2, "\(run.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `what runs away from a worker is killed and said, and takes nothing from the poll`()
    async throws
  {
    let scene = try await Scene.one()
    let path = "\(scene.simulation.directory)/careless-worker"
    try scene.write("#!/bin/sh\nexec '\(Built.path("zoo"))' fine_with_a_stray\n", to: path, isProgram: true)
    let run = try await scene.blupow(["poll", "-v"], config: PollCommandTests.config, worker: path)
    #expect(run.exitCode == 0, "\(run.errors)")
    let strays = "D8:B6:73:BF:4F:75: worker_strays: the worker left other processes; killed: 1"
    #expect(run.errors.contains(strays), "\(run.errors)")
    let stray = try #require(run.errors.firstMatch(of: /bore (\d+)/).flatMap { Int32($0.1) })
    #expect(Processes.state(of: stray) == nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `Ctrl-C in the middle of a poll ends it, and frees the link`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"silent"}]"#)
    let child = try await scene.start(["poll"], config: PollCommandTests.config)
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"request\"") }
    kill(child.pid, SIGINT)
    let run = await Scene.hear(child)
    #expect(run.exitCode == 75)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [SIGINT, SIGTERM, SIGHUP])
  func `demo shows live readings, and leaves no process and no directory`(signal: Int32) async throws {
    let scene = try await Scene.start("{}")
    let own = scene.simulation.directory
    let child = try await scene.start(["demo"], more: ["TMPDIR": own])
    var run = CommandRun()
    var family: [Int32] = []
    for await event in child.output {
      switch event {
      case .line(let line):
        run.output += String(decoding: line, as: UTF8.self) + "\n"
        if run.output.contains(/Device ID +32\n/), family.isEmpty {
          family = ["dbus-daemon", "blupow-simulator"].flatMap { ProcessTable.running($0, under: child.pid) }
          kill(child.pid, signal)
        }
      case .errorLine(let line): run.errors += line
      case .ended(let ending): run.ending = ending
      default: break
      }
    }
    #expect(run.output.contains("Inverter: connected"))
    #expect(run.output.contains("SIMULATED"))
    #expect(run.output.contains("RIV4835CSH1S: registers 4000, 4408 as captured from a real one"))
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(family.count == 2)
    for pid in family { #expect(kill(pid, 0) == -1) }
    #expect(try names(in: own).filter { $0.hasPrefix("blupow-") } == [])
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a demo that is killed -9 leaves no process`() async throws {
    let scene = try await Scene.start("{}")
    let child = try await scene.start(["demo"], more: ["TMPDIR": scene.simulation.directory])
    var family: [Int32] = []
    for await event in child.output {
      guard case .line(let line) = event, String(decoding: line, as: UTF8.self).contains("Ctrl-C"), family.isEmpty else {
        continue
      }
      family = ["dbus-daemon", "blupow-simulator"].flatMap { ProcessTable.running($0, under: child.pid) }
      kill(child.pid, SIGKILL)
    }
    #expect(family.count == 2)
    for pid in family { #expect(try await ProcessTable.end(of: pid, within: .seconds(10)) != nil) }
    await scene.end()
  }

  private func names(in path: String) throws -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
  }
}
