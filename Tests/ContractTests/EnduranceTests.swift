import BlueZ
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// Many polls, and many deaths, beside a real bluetoothd. In the virtual machine's long suite.
@Suite(.enabled(if: Worlds.isReal && getenv("BLUPOW_TEST_LONG") != nil), .serialized, .timeLimit(.minutes(30)))
struct EnduranceTests {
  @Test func `a hundred polls: every value right, every link closed, and no drift`() async throws {
    let scene = try await Scene.contract()
    var connects: [Int] = []
    var good = 0
    for number in 1...100 {
      let run = try await scene.poll()
      if run.isGood { good += 1 } else { Issue.record("poll \(number): \(run.raw)") }
      // What the poll waited for bluetoothd to connect; the first one scanned, too.
      if let ms = run.done?.stages[.connect] { connects.append(Int(ms)) }
      #expect(try await scene.isQuiet(), "after poll \(number)")
    }
    #expect(good == 100)
    let (first, last) = (Self.median(connects.prefix(10)), Self.median(connects.suffix(10)))
    print("100 polls: \(good) good; connect, median of the first ten \(first) ms, of the last ten \(last) ms")
    #expect(Double(last) <= 1.2 * Double(first), "\(connects)")
    await scene.end()
  }

  @Test func `a worker that is told to stop while it is connected leaves a link that falls by itself`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"silent"}]"#)
    for _ in 1...5 {
      let run = try await scene.poll { line, child in
        if case .stage(.read, _) = line.event { child.kill(SIGTERM) }
      }
      #expect(run.failure?.failure == .stopped, "\(run.raw)")
      let free = try await scene.quiet(within: .seconds(6))
      print("SIGTERM while connected: the worker ended, and the link fell after another \(free.map { "\($0)" } ?? "never")")
      #expect(free != nil)
    }
    await scene.end()
  }

  @Test func `fifty workers killed at fifty instants: release frees the link, and the next poll succeeds`() async throws {
    let scene = try await Scene.contract()
    let healthy = try await scene.poll()
    #expect(healthy.isGood)
    let length = healthy.ending.lasted
    var slowest = Duration.zero
    let stages: [Stage] = [.connect, .subscribe, .read, .disconnect]
    for number in 0..<50 {
      // Thirty-four spread evenly over a poll; sixteen as soon as a stage is entered, in turn.
      let isTimed = number < 34
      let instant = length * number / 34
      let killed = try await scene.poll { line, child in
        if !isTimed, case .stage(stages[number % 4], _) = line.event { child.kill(SIGKILL) }
        if isTimed, case .stage(.lock, _) = line.event {
          try? await Task.sleep(for: instant)
          child.kill(SIGKILL)
        }
      }
      guard case .signalled = killed.ending.cause else { continue }  // it was done before its time
      let start = ContinuousClock.now
      let release = try await scene.worker(["release", "--address", scene.address])
      let took = start.duration(to: .now)
      slowest = max(slowest, took)
      let how = isTimed ? "at \(instant)" : "in \(stages[number % 4])"
      #expect(release.exitCode == 0 && took < .seconds(5), "killed \(how): release took \(took): \(release.raw)")
      #expect(try await scene.isQuiet(), "killed \(how)")
      let next = try await scene.poll()
      #expect(next.isGood, "after being killed \(how): \(next.raw)")
      #expect(next.done?.foundStanding == false)
    }
    print("50 workers killed: the slowest release took \(slowest)")
    await scene.end()
  }

  @Test func `bluetoothd killed ten times in polls: nothing wrong is said, and the next poll after its return succeeds`()
    async throws
  {
    var scene = try await Scene.contract()
    let length = try await scene.poll().ending.lasted
    for number in 1...10 {
      let instant = length * number / 11
      let run = try await scene.poll { line, _ in
        guard case .stage(.lock, _) = line.event else { return }
        try? await Task.sleep(for: instant)
        try? await Part.bluetoothd.kill()
      }
      if let readings = run.readings { #expect(readings.readings == WorkerRun.expected, "killed at \(instant)") }
      #expect(run.ending.lasted < .seconds(25) + Worlds.slack)
      print("bluetoothd killed after \(instant): \(run.failure.map { "\($0.failure)" } ?? "the readings were there")")
      try await Part.bluetoothd.kill()
      try await Part.bluetoothd.start()
      let next = try await scene.poll()
      #expect(next.isGood, "after bluetoothd was killed at \(instant): \(next.raw)")
    }
    await scene.end()
    scene = try await Scene.contract()
    #expect(try await scene.poll().isGood)
    await scene.end()
  }

  private static func median(_ values: some Sequence<Int>) -> Int {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
