import BlueZ
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// Many polls, and many deaths, beside a real bluetoothd, by either link. In the virtual machine's long suite.
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
      #expect(try await scene.quiet(within: .seconds(1)) != nil, "after poll \(number)")
    }
    #expect(good == 100 && connects.count == 100)
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
      #expect(run.events.last?.event == .stopped(.read), "\(run.raw)")
      let free = try await scene.quiet(within: .seconds(6))
      print("SIGTERM while connected: the worker ended, and the link fell after another \(free.map { "\($0)" } ?? "never")")
      #expect(free != nil)
    }
    await scene.end()
  }

  @Test func `bluetoothd killed ten times in polls: nothing wrong is said, and the next poll after its return succeeds`()
    async throws
  {
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":500}]"#)
    let length = try await Self.length(of: scene)
    var deaths = 0
    for number in 0..<10 {
      let instant = length * number / 14
      let run = try await scene.poll { line, _ in
        guard case .stage(.lock, _) = line.event else { return }
        try? await Task.sleep(for: instant)
        do { try await Part.bluetoothd.kill() } catch { Issue.record(error) }
      }
      // Required blocks are all there or none; optional ones may be missing. What is there is right.
      for (key, reading) in run.readings?.readings ?? [:] {
        #expect(WorkerRun.expected[key] == reading, "\(key), killed at \(instant)")
      }
      #expect(run.ending.lasted < .seconds(25) + Worlds.slack)
      let said = (run.failure ?? run.done?.trouble)?.failure
      if said == .daemonMissing { deaths += 1 }
      let count = run.readings.map { "\($0.readings.count) readings were there" } ?? "no readings"
      print("bluetoothd killed after \(instant): \(said.map { "\($0)" } ?? "nothing"), \(count)")
      try await Part.bluetoothd.start()
      let next = try await scene.poll()
      #expect(next.isGood, "after bluetoothd was killed at \(instant): \(next.raw)")
    }
    #expect(deaths == 10, "polls that met bluetoothd's death")
    await scene.end()
  }

  @Test func `fifty workers killed at fifty instants: release frees the link, and the next poll succeeds`() async throws {
    // It takes its time to answer, so that there is much between a write and its notification.
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":200}]"#)
    let length = try await Self.length(of: scene)
    let stages: [Stage] = [.connect, .subscribe, .read, .disconnect]
    var slowest = Duration.zero
    var kills = 0
    for number in 0..<50 {
      // Thirty-two spread evenly over a poll; nine as soon as a stage is entered, in turn; nine when a request is on its way.
      let how = number < 32 ? "timed" : number < 41 ? "\(stages[number % 4])" : "between write and notification"
      let instant = length * min(number, 31) / 33
      let killed = try await scene.poll { line, child in
        guard case .stage(let stage, _) = line.event else { return }
        switch number {
        case ..<32:
          guard stage == .lock else { return }
          try? await Task.sleep(for: instant)
        case ..<41: guard stage == stages[number % 4] else { return }
        default:
          guard stage == .read else { return }
          let mark = scene.journal.count
          _ = try? await scene.journal.wait(from: mark) { $0.contains(#""saw":"request""#) }
        }
        child.kill(SIGKILL)
      }
      if case .signalled(SIGKILL) = killed.ending.cause { kills += 1 }
      let start = ContinuousClock.now
      let release = try await scene.worker(["release", "--address", scene.address])
      let took = start.duration(to: .now)
      slowest = max(slowest, took)
      #expect(release.exitCode == 0 && took < .seconds(5), "\(how), \(number): release took \(took): \(release.raw)")
      #expect(try await scene.quiet(within: .seconds(1)) != nil, "\(how), \(number)")
      let next = try await scene.poll()
      #expect(next.isGood, "after \(how), \(number): \(next.raw)")
      #expect(next.done?.foundStanding == false)
    }
    print("workers killed: \(kills) of 50; the slowest release took \(slowest)")
    #expect(kills == 50)
    await scene.end()
  }

  // MARK: - The kernel's link

  @Test func `five hundred polls by the kernel's link: every value right, and no drift`() async throws {
    let scene = try await Scene.contract()
    var connects: [Int] = []
    var good = 0
    for number in 1...500 {
      // Every fifth starts from no link at all, as polls half a minute apart do; the others take over what the kernel still has.
      let isFresh = number % 5 == 1
      if isFresh { #expect(try await scene.quiet() != nil, "before poll \(number)") }
      let run = try await scene.poll(link: .kernel)
      if run.isGood { good += 1 } else { Issue.record("poll \(number): \(run.raw)") }
      if isFresh, let ms = run.done?.stages[.connect] { connects.append(Int(ms)) }
    }
    #expect(good == 500 && connects.count == 100)
    let (first, last) = (Self.median(connects.prefix(10)), Self.median(connects.suffix(10)))
    print(
      "500 polls by the kernel: \(good) good; connect, median of the first ten fresh ones \(first) ms, of the last ten \(last) ms"
    )
    #expect(Double(last) <= 1.2 * Double(first), "\(connects)")
    await scene.end()
  }

  @Test func `two hundred workers killed by the kernel's link: free within 3 s, a release only after a death in connect`()
    async throws
  {
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":100}]"#)
    let length = try await Self.length(of: scene, by: .kernel)
    #expect(try await scene.quiet(within: .seconds(6)) != nil)
    var frees: [Duration] = []
    var nexts = 0
    var releases: [Duration] = []
    var found = 0
    for number in 0..<200 {
      let instant = length * number / 215
      let killed = try await scene.poll(link: .kernel) { line, child in
        guard case .stage(.lock, _) = line.event else { return }
        try? await Task.sleep(for: instant)
        child.kill(SIGKILL)
      }
      let death = ContinuousClock.now
      #expect(killed.ending.cause == .signalled(SIGKILL), "\(number): \(killed.raw)")
      if Self.needsRelease(killed) {
        // Its link may be made just now, and is bluetoothd's then: the supervisor sees to it.
        let release = try await scene.worker(["release", "--address", scene.address])
        #expect(release.exitCode == 0 && release.done?.link != .left, "\(number), \(instant): \(release.raw)")
        if release.done?.foundStanding == true { found += 1 }
        releases.append(death.duration(to: .now))
        #expect(releases.last! < .seconds(5), "\(number), \(instant)")
      } else if number % 2 == 0 {
        // At once, on what the dead one left.
        let next = try await scene.poll(link: .kernel)
        #expect(next.isGood && next.done?.foundStanding == false, "after \(number), \(instant): \(next.raw)")
        nexts += 1
      } else {
        let free = try await scene.quiet(within: .seconds(6))
        frees.append(free ?? .seconds(6))
        #expect(frees.last! < .seconds(3), "\(number), \(instant): free after \(frees.last!)")
      }
      // It stays so, and the next one begins from there.
      #expect(try await scene.quiet(within: .seconds(6)) != nil, "\(number), \(instant)")
      try await Task.sleep(for: .milliseconds(300))
      #expect(try await scene.quiet(within: .zero) != nil, "\(number), \(instant): a link came late")
      if Self.needsRelease(killed) {
        let next = try await scene.poll(link: .kernel)
        #expect(next.isGood && next.done?.foundStanding == false, "after \(number), \(instant): \(next.raw)")
        nexts += 1
        #expect(try await scene.quiet(within: .seconds(6)) != nil)
      }
    }
    frees.sort()
    releases.sort()
    print(
      """
      200 workers killed: free without a release after \(frees[frees.count / 2]) (median), \(frees.last!) (the slowest); \
      \(releases.count) died while they connected, \(found) of whose links bluetoothd had: released after \
      \(releases.last ?? .zero) at most; \(nexts) next polls, all good
      """)
    await scene.end()
  }

  /// What the supervisor would say.
  private static func needsRelease(_ run: WorkerRun) -> Bool {
    guard let poll = run.events.first?.poll else { return true }
    var transcript = PollTranscript(poll: poll, devices: ["inverter"])
    for line in run.raw { transcript.hear(.line(Array(line.utf8)), deadline: .seconds(25)) }
    return transcript.concluded(run.ending, stopAsked: false).needsRelease
  }

  @Test(arguments: LinkKind.allCases) func `a service whose workers are killed polls on`(link: LinkKind) async throws {
    let scene = try await Scene.contract(#""known":true"#)
    let service = try await scene.start(
      ["run", "-v"],
      config: """
        interval: 1s
        devices: [{name: Inverter, address: '\(scene.address)', profile: inverter, unit: 32, link: \(link)}]
        """)
    let log = ServiceLog(of: service) { $0.contains("ok=true") }
    var slowest = Duration.zero
    for number in 0..<10 {
      var worker: Int32?
      while worker == nil {
        worker = ProcessTable.running("blupow-worker", under: service.pid).first
        try await Task.sleep(for: .milliseconds(10))
      }
      try await Task.sleep(for: .milliseconds(70 * number))
      if let worker { kill(worker, SIGKILL) }
      slowest = max(slowest, try #require(try await log.wait(forMore: 1, within: .seconds(20))))
    }
    print("a service by \(link), ten workers killed: the next success after \(slowest) at most")
    #expect(slowest < .seconds(10))
    let start = ContinuousClock.now
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.exitCode == 0 && start.duration(to: .now) < .seconds(5) + Worlds.slack, "\(run.errors.suffix(2000))")
    #expect(run.errors.contains("worker_crashed"), "no worker was killed: \(run.errors.suffix(2000))")
    // A release that was the killed one is told, and made good by the next poll.
    func count(_ text: String) -> Int { run.errors.split(separator: "\n").count { $0.contains(text) } }
    #expect(count("could not be freed") == count("link is free again"), "\(run.errors)")
    #expect(try await scene.quiet(within: .seconds(4)) != nil)
    await scene.end()
  }

  /// From a poll's first line to its last, of a module that is known.
  /// The shortest of some: an instant that lies within it lies within every poll.
  private static func length(of scene: Scene, by link: LinkKind = .bluez) async throws -> Duration {
    #expect(try await scene.poll(link: link).isGood)
    var lengths: [Duration] = []
    for _ in 0..<4 {
      let run = try await scene.poll(link: link)
      try #require(run.isGood, "\(run.raw)")
      lengths.append(try #require(run.events.last).time - (try #require(run.events.first).time))
    }
    return lengths.min() ?? .zero
  }

  private static func median(_ values: some Sequence<Int>) -> Int {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
