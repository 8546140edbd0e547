import Glibc
import Readings
import Rig
import Testing

@testable import Supervisor

@Suite struct SpawnerTests {
  private func zoo(_ animal: String, input: String = "\n", keepsInputOpen: Bool = false) -> Command {
    Command(path: Built.path("zoo"), arguments: [animal], input: Array(input.utf8), keepsInputOpen: keepsInputOpen)
  }

  /// All that a child says until it has ended.
  private func run(
    _ command: Command, limits: OutputLimits = .worker, deadline: Duration? = .seconds(20), grace: Duration = .seconds(2)
  ) async throws -> [ChildEvent] {
    let child = try await Spawner.shared.start(command, limits: limits, deadline: deadline, grace: grace)
    return await child.output.reduce(into: []) { $0.append($1) }
  }

  private func ending(_ events: [ChildEvent]) throws -> Ending {
    guard case .ended(let ending) = try #require(events.last) else { throw Missing(events: events) }
    return ending
  }

  private struct Missing: Error { var events: [ChildEvent] }

  @Test func `a program's lines, its half line and its exit code arrive`() async throws {
    let events = try await run(
      Command(
        path: "/bin/sh", arguments: ["-c", #"echo one; echo two >&2; echo "$A"; printf half; printf other >&2; exit 7"#],
        environment: ["A": "b"]))
    let ending = try ending(events)
    #expect(events.contains(.line(Array("one".utf8))))
    #expect(events.contains(.line(Array("b".utf8))))
    #expect(events.contains(.errorLine("two")) && events.contains(.errorLine("other")))
    #expect(ending.cause == .exited(7))
    #expect(ending.remainder == Array("half".utf8))
    #expect(events.count == 5)
  }

  @Test func `nothing of our environment is inherited`() async throws {
    let events = try await run(
      Command(path: Built.path("zoo"), arguments: ["says_its_environment"], environment: ["LANG": "C"], input: [10]))
    #expect(events.dropLast() == [.line(Array("LANG=C".utf8))])
  }

  @Test func `a program that is not there is a failure that names it`() async throws {
    await #expect(throws: SpawnFailure(path: "/nonexistent/worker", errno: ENOENT)) {
      try await run(Command(path: "/nonexistent/worker"))
    }
    #expect(
      SpawnFailure(path: "/nonexistent/worker", errno: ENOENT).description
        == "/nonexistent/worker could not be started: No such file or directory.")
  }

  @Test func `a program that cannot be started is a sentence that names it`() async throws {
    let garbage = "/tmp/blupow-garbage-\(UInt32.random(in: 0 ... .max))"
    let plain = "\(garbage)-plain"
    defer { for path in [garbage, plain] { unlink(path) } }
    for (path, mode) in [(garbage, mode_t(0o700)), (plain, 0o600)] {
      let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
      try #require(write(file, "\u{1}\u{2}\u{3}", 3) == 3)
      close(file)
    }
    let long = String(repeating: "x", count: 200_000)
    for (command, why) in [
      (Command(path: plain), "Permission denied"), (Command(path: "/tmp"), "Permission denied"),
      (Command(path: garbage), "Exec format error"), (Command(path: "\(plain)/worker"), "Not a directory"),
      (Command(path: "/bin/true", arguments: [long]), "Argument list too long"), (Command(path: ""), "No such file or directory"),
    ] {
      let failure = await #expect(throws: SpawnFailure.self) { try await run(command) }
      #expect(failure?.description == "\(command.path) could not be started: \(why).")
    }
  }

  @Test func `a child leads a group and a session of its own, and is this process's child`() async throws {
    let child = try await Spawner.shared.start(zoo("says_its_family"), limits: .worker, deadline: .seconds(20))
    let events: [ChildEvent] = await child.output.reduce(into: []) { $0.append($1) }
    #expect(events.first == .line(Array("\(child.pid) \(child.pid) \(child.pid) \(getpid())".utf8)))
  }

  @Test func `whatever is open here is closed in the child`() async throws {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    for number: Int32 in 0..<50 {
      // Without close-on-exec, here and there.
      let descriptor = fcntl(STDIN_FILENO, F_DUPFD, 100 + number * 17)
      try #require(descriptor >= 0)
      opened.append(descriptor)
    }
    let events = try await run(zoo("says_its_descriptors"))
    #expect(events.dropLast() == [.line([48]), .line([49]), .line([50])])
  }

  @Test func `no signal is blocked or ignored in the child, whatever is here`() async throws {
    // The spawner's thread blocks nearly all, and SIGPIPE is ignored in this process; so is this one for the moment.
    let before = signal(SIGUSR2, SIG_IGN)
    defer { signal(SIGUSR2, before) }
    let masks = try await run(zoo("says_its_signals")).compactMap { event -> String? in
      if case .line(let line) = event { String(decoding: line, as: UTF8.self) } else { nil }
    }
    // 32 and 33 are glibc's own; it leaves them ignored to every program it starts.
    #expect(masks == ["SigBlk:\t0000000000000000", "SigIgn:\t0000000180000000"])
  }

  @Test func `all that was said before the end is heard`() async throws {
    let events = try await run(zoo("last_words"))
    #expect(events.count == 2001)
    #expect(events.dropLast().last == .line(Array("2000 ....................".utf8)))
  }

  @Test func `standard input is written while output is read, and closed on request`() async throws {
    let child = try await Spawner.shared.start(
      Command(path: "/bin/cat", keepsInputOpen: true), limits: .worker, deadline: .seconds(20))
    var lines = 0
    child.write(Array("first\n".utf8))
    for await event in child.output {
      switch event {
      case .line where lines == 0:
        lines += 1
        child.write(Array(repeating: UInt8(ascii: "x"), count: 60_000) + [10])
        child.closeInput()
      case .line(let line):
        lines += 1
        #expect(line.count == 60_000)
      case .ended(let ending): #expect(ending.cause == .exited(0))
      default: Issue.record("\(event)")
      }
    }
    #expect(lines == 2)
  }

  @Test func `input that nobody reads harms nobody`() async throws {
    let events = try await run(Command(path: "/bin/true", input: Array(repeating: 120, count: 300_000)))
    #expect(try ending(events).cause == .exited(0))
  }

  @Test func `a child that leaves a mebibyte of input unread is stopped`() async throws {
    let child = try await Spawner.shared.start(
      zoo("never_reads_stdin", keepsInputOpen: true), limits: .worker, deadline: .seconds(20))
    child.write(Array(repeating: 120, count: 1_200_000))
    let events: [ChildEvent] = await child.output.reduce(into: []) { $0.append($1) }
    #expect(try ending(events).cause == .signalled(SIGTERM))
    #expect(!events.contains(.deadline))
  }

  @Test func `input for a child is bounded on its way to the spawner too`() {
    var mail = Spawner.Mail()
    let chunk = [UInt8](repeating: 120, count: 400_000)
    for _ in 0..<1000 {
      mail.add(.order(.write(chunk), child: 1))
      mail.add(.order(.write([120]), child: 2))
    }
    var written = 0
    var refused: [UInt64] = []
    for message in mail.messages {
      switch message {
      case .order(.write, child: 1): written += 1
      case .order(.refuseInput, let child): refused.append(child)
      default: break
      }
    }
    #expect(written == 2)
    #expect(refused == [1])
    #expect(mail.messages.count == 1003)
  }

  @Test func `a child that will not read is stopped however fast it is written to`() async throws {
    let child = try await Spawner.shared.start(
      zoo("never_reads_stdin", keepsInputOpen: true), limits: .worker, deadline: .seconds(20))
    for number in 0..<100 { child.write(Array(repeating: UInt8(number), count: 1_000_000)) }
    let events: [ChildEvent] = await child.output.reduce(into: []) { $0.append($1) }
    #expect(try ending(events).cause == .signalled(SIGTERM))
    #expect(!events.contains(.deadline))
  }

  @Test(.timeLimit(.minutes(5))) func `one child's flood leaves twenty others their turn`() async throws {
    // Standard error has no limit that ends a child: this one is read, and dropped, for as long as it lives.
    let flood = try await Spawner.shared.start(zoo("deluge"), limits: .worker, deadline: .seconds(30))
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: [ChildEvent].self) { group in
      for _ in 0..<20 { group.addTask { try await run(zoo("last_words")) } }
      for try await events in group { #expect(events.count == 2001) }
    }
    #expect(start.duration(to: .now) < .seconds(15))
    flood.stop()
    let events: [ChildEvent] = await flood.output.reduce(into: []) { $0.append($1) }
    #expect(try ending(events).cause == .signalled(SIGTERM))
  }

  @Test func `at the deadline SIGTERM is sent, and it is enough for a child that obeys`() async throws {
    let events = try await run(zoo("hangs"), deadline: .milliseconds(300))
    #expect(events.contains(.deadline) && !events.contains(.killed))
    let ending = try ending(events)
    #expect(ending.cause == .signalled(SIGTERM))
    #expect(ending.lasted >= .milliseconds(300) && ending.lasted < .seconds(10))
  }

  @Test func `a child that ignores SIGTERM is killed after the grace`() async throws {
    let events = try await run(zoo("ignores_sigterm"), deadline: .milliseconds(300), grace: .milliseconds(300))
    #expect(events.dropLast() == [.deadline, .killed])
    let ending = try ending(events)
    #expect(ending.cause == .signalled(SIGKILL))
    #expect(ending.lasted >= .milliseconds(600) && ending.lasted < .seconds(10))
  }

  @Test func `a child that stopped itself is woken to hear SIGTERM`() async throws {
    let events = try await run(zoo("stops_itself"), deadline: .milliseconds(300))
    #expect(try ending(events).cause == .signalled(SIGTERM))
  }

  @Test func `stop ends it without a deadline`() async throws {
    let child = try await Spawner.shared.start(zoo("hangs"), limits: .worker, deadline: nil)
    child.stop()
    let events: [ChildEvent] = await child.output.reduce(into: []) { $0.append($1) }
    #expect(try ending(events).cause == .signalled(SIGTERM))
    #expect(!events.contains(.deadline))
  }

  @Test func `a flood without a newline is an overflow, and the flooder ends`() async throws {
    let events = try await run(zoo("floods"))
    #expect(events.first == .overflow(.line(limit: 65_536)))
    #expect(try ending(events).remainder.count < 200_000)
  }

  @Test func `a flooder that ignores SIGTERM is said once, and its next write fails`() async throws {
    let events = try await run(
      Command(path: "/bin/sh", arguments: ["-c", "trap '' TERM; exec tr '\\0' x </dev/zero"]), grace: .seconds(15))
    let overflows = events.count { if case .overflow = $0 { true } else { false } }
    #expect(overflows == 1 && !events.contains(.killed))
    #expect(try ending(events).cause == .signalled(SIGPIPE))
  }

  @Test func `a flood of lines is cut at the total`() async throws {
    let events = try await run(zoo("floods_lines"))
    #expect(events.contains(.overflow(.total(limit: 1_048_576))))
    #expect(events.count < 16_400)
  }

  @Test func `a flood of empty lines is cut long before a million of them`() async throws {
    let events = try await run(Command(path: "/usr/bin/yes", arguments: [""]))
    #expect(events.contains(.overflow(.total(limit: 1_048_576))))
    #expect(events.count < 16_400)
  }

  @Test func `standard error is cut and dropped, and the child goes on`() async throws {
    let events = try await run(zoo("floods_stderr"))
    let errors = events.compactMap { event -> String? in if case .errorLine(let line) = event { line } else { nil } }
    #expect(errors.count == 15)
    #expect(errors[0].utf8.count == 4096)
    #expect(errors.last == "(more than 65536 bytes of standard error: the rest is dropped)")
    #expect(try ending(events).cause == .exited(64))
  }

  @Test func `a child whose stream is dropped is stopped`() async throws {
    var child: Child? = try await Spawner.shared.start(zoo("hangs"), limits: .worker, deadline: nil)
    let pid = try #require(child).pid
    child = nil
    #expect(await Processes.isGone(pid))
  }

  @Test func `a grandchild that holds the pipes is neither waited for nor left`() async throws {
    let events = try await run(zoo("double_fork"))
    let ending = try ending(events)
    #expect(ending.cause == .exited(0))
    #expect(ending.lasted < .seconds(5))
    let lines = events.compactMap { event -> String? in
      if case .line(let line) = event { String(decoding: line, as: UTF8.self) } else { nil }
    }
    let grandchild = try #require(lines.first.flatMap { Int32($0) })
    #expect(await Processes.isGone(grandchild))
  }

  @Test func `its cost is told`() async throws {
    let ending = try ending(
      try await run(Command(path: "/bin/sh", arguments: ["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"])))
    #expect(ending.cpu > .milliseconds(1) && ending.cpu < .seconds(5))
    #expect(ending.peakKiB > 500, "\(ending)")
  }
}
