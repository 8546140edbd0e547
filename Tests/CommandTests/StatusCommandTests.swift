import Foundation
import Glibc
import Policy
import Publishers
import Readings
import Rig
import Supervisor
import Testing

/// `blupow status`, and `blupow poll` beside a running service: real processes, a real bus, a real socket.
@Suite struct StatusCommandTests {
  static let config = "interval: 300s\n" + PollCommandTests.config

  private func socket(_ scene: Scene) -> String { "\(scene.simulation.directory)/blupow/blupow.sock" }

  /// A service whose first poll has ended, with its log so far.
  private func service(_ scene: Scene, _ config: String = config) async throws -> Child {
    let child = try await scene.start(["run"], config: config)
    // Readings are shown before the poll has ended, and what carried it after that.
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    return child
  }

  private func end(_ child: Child) async -> CommandRun {
    kill(child.pid, SIGTERM)
    return await Scene.hear(child)
  }

  private func polls(_ scene: Scene) -> Int { scene.journal.lines.count { $0.contains("\"saw\":\"link_closed\"") } }

  @Test(.timeLimit(.minutes(5))) func `a running service is a table for people, and the document of a poll for programs`()
    async throws
  {
    let scene = try await Scene.one()
    let own = try await scene.blupow(["poll", "--json"], config: Self.config)
    let child = try await service(scene)
    let table = try await scene.blupow(["status"])
    #expect(table.exitCode == 0, "\(table.errors)")
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 2)
    let words = try #require(lines.last).split(separator: " ").map(String.init)
    #expect(words.first == "Inverter" && words.contains("connected") && words.contains("bluez") && words.last == "SIMULATED")
    #expect(!table.output.contains("\u{1B}"))

    let document = try await scene.blupow(["status", "--json", "Inverter"])
    func shape(_ text: String) throws -> [String] {
      let fleet = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let device = try #require((fleet["devices"] as? [[String: Any]])?.first)
      let readings = try #require(device["readings"] as? [String: Any])
      return fleet.keys.sorted() + device.keys.sorted() + readings.keys.sorted()
    }
    #expect(try shape(document.output) == shape(own.output))
    #expect(
      try JSONDecoder().decode(FleetStatus.self, from: Data(document.output.utf8)).devices.first?.readings.count
        == Scene.inverterReadings)

    let unknown = try await scene.blupow(["status", "Toaster"])
    #expect(unknown.exitCode == 64 && unknown.errors.contains("No device is called 'Toaster'; there are: Inverter."))
    #expect(await end(child).exitCode == 0)
    #expect(access(socket(scene), F_OK) == -1)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `what went wrong is still told when all is well, and after a restart`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"no_characteristics"}]"#)
    let more = ["BLUPOW_STATE_DIR": "\(scene.simulation.directory)/state"]
    func events(_ names: [String] = []) async throws -> [FleetEvent] {
      let run = try await scene.blupow(["status", "--events", "--json"] + names)
      return try run.exitCode == 0 ? Wire.decode(EventDocument.self, from: Array(run.output.utf8)).events : []
    }
    let first = try await scene.start(["run"], config: Self.config, more: more)
    while try await events().last?.kind != .status {}
    _ = try await scene.tell(#"{"do":"faults","address":"\#(Scene.address)","faults":[]}"#)
    #expect(try await scene.blupow(["poll"], config: Self.config).exitCode == 0)
    let told = try await events()
    #expect(told.map(\.kind) == [.started, .failed, .status, .status, .recovered])
    #expect(await end(first).exitCode == 0)
    let second = try await scene.start(["run"], config: Self.config, more: more)
    while try await events().last?.kind != .status {}  // it is connected again
    let later = try await events()
    #expect(later.prefix(told.count) == told[...] && later.count { $0.kind == .started } == 2)
    #expect(try await events(["Inverter"]) == later)
    let text = try await scene.blupow(["status", "--events"])
    #expect(text.exitCode == 0)
    let failed = try #require(told.first { $0.kind == .failed })
    #expect(text.output.contains("Z  Inverter: \(failed.name ?? "") at "), "\(text.output)")
    #expect(text.output.contains("\n    \(failed.advice ?? "")\n"))
    #expect(try await scene.blupow(["status", "--events", "--watch"]).exitCode == 64)
    #expect(try await scene.blupow(["status", "--events", "Toaster"]).exitCode == 64)
    #expect(await end(second).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [[], ["--json"], ["--watch"], ["--events"]])
  func `without a service it says so`(more: [String]) async throws {
    let scene = try await Scene.start("{}")
    let run = try await scene.blupow(["status"] + more)
    #expect(run.exitCode == 69)
    #expect(run.output == "")
    #expect(
      run.errors
        == "No blupow service is running: nobody listens at \(socket(scene)). `systemctl start blupow` or `blupow run` starts it.\n"
    )
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a watch says what changed, one document a line, until Ctrl-C`() async throws {
    let scene = try await Scene.one()
    let child = try await service(scene)
    let watch = try await scene.start(["status", "--watch", "--json"])
    var documents: [FleetStatus] = []
    var ending: Ending?
    for await event in watch.output {
      switch event {
      case .line(let line):
        documents.append(try Wire.decode(FleetStatus.self, from: line))
        if documents.count == 1 {
          // Two seconds in which nothing happens but that time goes by.
          try await Task.sleep(for: .seconds(2.5))
          _ = try await StatusClient([SocketPath(directory: "\(scene.simulation.directory)/blupow")]).poll(devices: ["Inverter"])
        } else {
          kill(watch.pid, SIGINT)
        }
      case .ended(let how): ending = how
      default: break
      }
    }
    #expect(documents.count == 2)
    #expect(documents.first?.devices.first?.readAt != documents.last?.devices.first?.readAt)
    #expect(ending?.cause == .exited(0))
    _ = await end(child)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a watch ends with its service`() async throws {
    let scene = try await Scene.one()
    let child = try await service(scene)
    let watch = try await scene.start(["status", "--watch"])
    var run = CommandRun()
    for await event in watch.output {
      switch event {
      case .line: kill(child.pid, SIGTERM)
      case .errorLine(let line): run.errors += line
      case .ended(let ending): run.ending = ending
      default: break
      }
    }
    #expect(run.exitCode == 69)
    #expect(run.errors.hasPrefix("No blupow service is running"))
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `beside a service a poll is the service's, and looks the same`() async throws {
    let scene = try await Scene.one(delays: Scene.fast.replacing("\"reply_ms\":0", with: "\"reply_ms\":250"))
    let child = try await service(scene)
    let before = polls(scene)
    let mark = scene.journal.count
    let poll = try await scene.start(["poll", "-v", "--json"], config: Self.config)
    // While its link stands, its worker lives.
    async let worker: (ofPoll: Int, ofService: Int) = {
      _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"request\"") }
      return (
        ProcessTable.running("blupow-worker", under: poll.pid).count,
        ProcessTable.running("blupow-worker", under: child.pid).count
      )
    }()
    let run = await Scene.hear(poll)
    #expect(try await worker == (0, 1))
    #expect(run.exitCode == 0)
    #expect(run.errors == "asked the running service\n")
    _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") }
    #expect(polls(scene) == before + 1)
    let second = scene.journal.count
    let status = try JSONDecoder().decode(FleetStatus.self, from: Data(run.output.utf8))
    #expect(status.devices.first?.readings.count == Scene.inverterReadings && status.devices.first?.failure == nil)
    let table = try await scene.blupow(["poll"], config: Self.config)
    #expect(table.output.contains(/AC Input Current +17\.00 A/))
    _ = try await scene.journal.wait(from: second) { $0.contains("\"saw\":\"link_closed\"") }
    #expect(polls(scene) == before + 2)
    _ = await end(child)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a failure by the service has its exit code, too`() async throws {
    let scene = try await Scene.one()
    let child = try await service(scene)
    _ = try await scene.tell(#"{"do":"faults","address":"D8:B6:73:BF:4F:75","faults":[{"fault":"wrong_crc"}]}"#)
    let run = try await scene.blupow(["poll", "-v"], config: Self.config)
    #expect(run.exitCode == 76, "\(run.errors)")
    #expect(run.errors.hasPrefix("asked the running service"))
    #expect(run.output.contains("bad_frames at read"))
    _ = await end(child)
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (["--link", "bluez"], StatusCommandTests.config),
      ([], "devices:\n  - {name: Other, address: 'D8:B6:73:BF:4F:75', unit: 32}\n"),
    ])
  func `with a link of its own, or a device that the service does not know, a poll is the command's`(
    more: [String], config: String
  ) async throws {
    let scene = try await Scene.one()
    let child = try await service(scene)
    let run = try await scene.blupow(["poll", "-v"] + more, config: config)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(!run.errors.contains("asked the running service"))
    #expect(run.errors.contains("debug: polled"), "\(run.errors)")
    _ = await end(child)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a service killed -9 leaves a socket that nobody minds`() async throws {
    let scene = try await Scene.one()
    let first = try await service(scene)
    kill(first.pid, SIGKILL)
    _ = await Scene.hear(first)
    #expect(access(socket(scene), F_OK) == 0)
    let none = try await scene.blupow(["status"])
    #expect(none.exitCode == 69, "\(none.exitCode.map(String.init) ?? "-"): \(none.errors)")
    #expect(try await scene.blupow(["poll"], config: Self.config).exitCode == 0)
    let second = try await scene.start(["run"], config: Self.config)
    while try await scene.blupow(["status"]).exitCode != 0 {}
    let run = await end(second)
    #expect(run.exitCode == 0 && !run.errors.contains("error:"), "\(run.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a second service is not asked, says why, and polls`() async throws {
    let scene = try await Scene.one()
    let first = try await service(scene)
    let mark = scene.journal.count
    let second = try await scene.start(["run"], config: Self.config)
    _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") }
    let run = await end(second)
    #expect(run.exitCode == 0)
    #expect(run.errors.contains("another blupow run already serves \(socket(scene))."), "\(run.errors)")
    #expect(run.errors.components(separatedBy: "already serves").count == 2)
    #expect(try await scene.blupow(["status"]).exitCode == 0, "the first one's socket is gone")
    _ = await end(first)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `without a place for its socket a service says so once, and polls`() async throws {
    let scene = try await Scene.one()
    let child = try await scene.start(
      ["run"], config: "interval: 1s\n" + PollCommandTests.config, more: ["RUNTIME_DIRECTORY": "/proc/nowhere"])
    for _ in 1...2 {
      let mark = scene.journal.count
      _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") }
    }
    let run = await end(child)
    #expect(run.exitCode == 0)
    #expect(run.errors.components(separatedBy: "nobody can ask this service").count == 2, "\(run.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "another user is one that root can become"))
  func `another user may read, and not ask for a poll`() async throws {
    let scene = try await Scene.one()
    chmod(scene.simulation.directory, 0o755)
    let child = try await service(scene)
    let before = polls(scene)
    // What every Debian has, and what can be reached wherever this build stands.
    let script = """
      use IO::Socket::UNIX;
      for my $request (@ARGV) {
        my $socket = IO::Socket::UNIX->new(Peer => "\(socket(scene))") or die "no: $!";
        print $socket $request; print while <$socket>;
      }
      """
    let asked = try await Spawner.shared.start(
      Command(
        path: "/usr/bin/setpriv",
        arguments: [
          "--reuid", "65534", "--regid", "65534", "--clear-groups", "/usr/bin/perl", "-e", script,
          "GET /status HTTP/1.1\r\n\r\n", "POST /poll HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        ]), limits: .command, deadline: .seconds(30))
    let run = await Scene.hear(asked)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.contains("HTTP/1.1 200 OK"))
    #expect(run.output.contains("HTTP/1.1 403 Forbidden"))
    #expect(run.output.contains("User 65534 may read the status but not ask for a poll"), "\(run.output)")
    #expect(polls(scene) == before)
    _ = await end(child)
    await scene.end()
  }

  /// Where other users cannot reach this build, that cannot be tried.
  private static let othersReachThis: Bool = {
    var path = Built.path("blupow")
    while let slash = path.lastIndex(of: "/") {
      var status = stat()
      guard stat(path, &status) == 0, status.st_mode & 0o001 != 0 else { return false }
      path = String(path[..<slash])
    }
    return geteuid() == 0
  }()

  @Test(.timeLimit(.minutes(5)), .enabled(if: othersReachThis)) func `a poll that the service refuses is the command's own`()
    async throws
  {
    let scene = try await Scene.one()
    chmod(scene.simulation.directory, 0o755)
    let child = try await service(scene)
    let config = "\(scene.simulation.directory)/theirs.yaml"
    try scene.write(Self.config, to: config)
    chmod(config, 0o644)
    let poll = try await Spawner.shared.start(
      Command(
        path: "/usr/bin/setpriv",
        arguments: [
          "--reuid", "65534", "--regid", "65534", "--clear-groups", Built.path("blupow"), "poll", "--config", config,
        ], environment: scene.environment), limits: .command, deadline: .seconds(60))
    let run = await Scene.hear(poll)
    #expect(run.errors.contains("The blupow service refused: User 65534 may read"), "\(run.errors)")
    #expect(run.errors.contains("So this command polls by itself."))
    // Whatever a bus of root's says to somebody else: it was tried.
    #expect(run.output.contains("Inverter: "))
    _ = await end(child)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `told to end while it polls for somebody, a service ends in under five seconds`()
    async throws
  {
    let scene = try await Scene.one(#""faults":[{"fault":"silent"}]"#)
    let child = try await scene.start(["run"], config: Self.config)
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"request\"") }
    let waits = try Conversation(socket(scene))
    waits.say("POST /poll HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    let others = try (1...20).map { _ in try Conversation(socket(scene)) }
    for (number, other) in others.enumerated() {
      other.say(number % 2 == 0 ? "" : "POST /poll HTTP/1.1\r\nContent-Length: 3\r\n\r\n")
    }
    // Let in and heard: the last answer comes after them.
    _ = try await StatusClient([SocketPath(directory: "\(scene.simulation.directory)/blupow")]).status()
    let start = ContinuousClock.now
    kill(child.pid, SIGTERM)
    let answer = try await waits.rest()
    let run = await Scene.hear(child)
    #expect(start.duration(to: .now) < .seconds(5))
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(answer?.contains("The service is ending.") == true, "\(answer ?? "still open")")
    #expect(try await scene.isQuiet())
    withExtendedLifetime(others) {}
    await scene.end()
  }
}
