import CLinux
import Glibc
import Rig
import Testing

@testable import Supervisor

/// Counts what this process holds, so nothing may run beside it (Tests/run).
@Suite struct SpawnerLeakTests {
  @Test func `200 runs of every kind leave no descriptor, no process and no grandchild`() async throws {
    let before = Processes.descriptors().count
    let animals = ["double_fork", "garbage", "hangs", "ignores_sigterm", "floods", "crashes", "stops_itself", "closes_stdout"]
    var pids: [Int32] = []
    for batch in 0..<10 {
      try await withThrowingTaskGroup(of: [Int32].self) { group in
        for number in 0..<20 {
          let animal = animals[(batch * 20 + number) % animals.count]
          let command = Command(path: Built.path("zoo"), arguments: [animal], input: [UInt8(ascii: "\n")])
          group.addTask {
            let child = try await Spawner.shared.start(
              command, limits: .worker, deadline: .milliseconds(150), grace: .milliseconds(50))
            var seen = [child.pid]
            for await event in child.output {
              if case .line(let line) = event, let pid = Int32(String(decoding: line, as: UTF8.self)) { seen.append(pid) }
            }
            return seen
          }
        }
        for try await seen in group { pids += seen }
      }
    }
    #expect(pids.count >= 200)
    for pid in pids { #expect(await Processes.isGone(pid)) }
    // The runtime opens one or two of its own, once; a leak of the rarest kind would be 25.
    #expect(Processes.descriptors().count <= before + 3)
  }

  /// So many children that hang, all at once.
  private func hanging(_ count: Int, _ body: () throws -> Void) async throws {
    var children: [Child] = []
    for _ in 0..<count {
      children.append(
        try await Spawner.shared.start(
          Command(path: Built.path("zoo"), arguments: ["hangs"], input: [10]), limits: .worker, deadline: .seconds(60)))
    }
    try body()
    for child in children { child.stop() }
    for child in children { for await _ in child.output {} }
  }

  @Test func `forty children need no more threads than one`() async throws {
    try await hanging(40) {}  // what the runtime starts once
    var threads: [[String]] = []
    try await hanging(1) { threads.append(Processes.threads()) }
    try await hanging(40) { threads.append(Processes.threads()) }
    #expect(threads.map { $0.count { $0 == "spawner" } } == [1, 1])
    #expect(threads[1].count <= threads[0].count)
  }

  @Test func `children that run are counted out of what this process holds and has left, and nothing else is`() async throws {
    try await hanging(5) {}  // what the runtime opens once
    let spawner = Spawner.shared
    let (descriptors, left) = (try #require(spawner.ownDescriptors), spawner.leftCount)
    try await hanging(5) {
      // The spawner's thread counts a moment after it has started the last one.
      let end = ContinuousClock.now + .seconds(10)
      while spawner.ownDescriptors != descriptors || spawner.leftCount != left, .now < end {}
      #expect(spawner.ownDescriptors == descriptors && spawner.leftCount == left)
    }
    #expect(spawner.ownDescriptors == descriptors && spawner.leftCount == left, "their ends have been heard")

    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    #expect(spawner.ownDescriptors == descriptors + 1)
    close(file)
    // What the runtime waits by.
    let wait = blupow_eventfd()
    #expect(wait >= 0 && spawner.ownDescriptors == descriptors)
    close(wait)
    var pid: pid_t = 0
    var words: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/true"), nil]
    defer { free(words[0]) }
    #expect(posix_spawn(&pid, "/bin/true", nil, nil, &words, environ) == 0)
    #expect(spawner.leftCount == left + 1, "nobody has reaped it")
    waitpid(pid, nil, 0)
    #expect(spawner.leftCount == left)
  }

  @Test func `with no descriptor to be had a start fails in a sentence at whichever it lacks, and nothing is left`() async throws
  {
    // Descriptors without a gap, so that a limit leaves just so many.
    var filling: [Int32] = []
    defer { for descriptor in filling { close(descriptor) } }
    let highest = Int32(Processes.descriptors().keys.max() ?? 0)
    while let next = Optional(open("/dev/null", O_RDONLY | O_CLOEXEC)), next >= 0 {
      filling.append(next)
      if next > highest { break }
    }
    let first = try #require(filling.last) + 1
    let before = Processes.descriptors().count
    var usual = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &usual)
    var failures = 0
    var spare = 0
    var works = false
    while !works, spare < 16 {
      var limit = rlimit(rlim_cur: rlim_t(Int(first) + spare), rlim_max: usual.rlim_max)
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let started = await Result {
        () async throws(SpawnFailure) in
        try await Spawner.shared.start(Command(path: "/bin/cat"), limits: .worker, deadline: .seconds(20))
      }
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &usual)
      switch started {
      case .success(let child):
        works = true
        for await _ in child.output {}
      case .failure(let failure):
        failures += 1
        #expect(failure.description == "/bin/cat could not be started: Too many open files.")
      }
      #expect(Processes.descriptors().count == before)
      spare += 1
    }
    // Six for the pipes and one for the pidfd: with none to six of them it fails, and with seven it works.
    #expect(works && failures == 7)
    #expect(await noChildIsLeft())
  }

  @Test(.enabled(if: ControlGroup.exists("pids"))) func `where fork fails a start fails in a sentence, and nothing is left`()
    async throws
  {
    let before = Processes.descriptors().count
    let group = try ControlGroup("pids")
    try group.take(getpid())
    try group.set("pids.max", to: "1")
    let failure = await #expect(throws: SpawnFailure.self) {
      try await Spawner.shared.start(Command(path: "/bin/true"), limits: .worker, deadline: .seconds(20))
    }
    try group.set("pids.max", to: "max")
    try group.leave()
    group.remove()
    #expect(failure?.description == "/bin/true could not be started: Resource temporarily unavailable.")
    #expect(Processes.descriptors().count == before)
    #expect(await noChildIsLeft())
  }

  /// A child that was started in vain is reaped a moment later.
  private func noChildIsLeft() async -> Bool {
    for _ in 0..<500 {
      if Processes.children().isEmpty { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }
}

extension Result where Failure == SpawnFailure {
  fileprivate init(_ body: () async throws(SpawnFailure) -> Success) async {
    do throws(SpawnFailure) { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
