import Glibc
import Readings
import Rig
import Testing

@testable import Supervisor

/// What runs away from a worker's group, seen from a supervisor in a process of its own: whom a process adopts is a matter of all of it.
@Suite struct RunawayTests {
  private struct Visit {
    var results: [String: String] = [:]
    var log: [String] = []
    var others: [String] = []
    /// Numbers of the offspring that the animals told of.
    var born: [Int32] { log.compactMap { $0.split(separator: " bore ").last.flatMap { Int32($0) } } }
  }

  private func nursery(_ words: [String], behind: [String] = []) async throws -> Visit {
    let all = behind + [Built.path("nursery")] + words
    // A sanitizer must be told here, too, what not to report (by a process of its own) and how much of what is freed to keep.
    let names = ["TSAN_OPTIONS", "ASAN_OPTIONS"]
    let environment = Dictionary(
      uniqueKeysWithValues: names.compactMap { name in getenv(name).map { (name, String(cString: $0)) } })
    let child = try await Spawner.shared.start(
      Command(path: all[0], arguments: Array(all.dropFirst()), environment: environment), limits: .command,
      deadline: .seconds(60))
    var visit = Visit()
    for line in await Scene.hear(child).output.split(separator: "\n").map(String.init) {
      let words = line.split(separator: " ", maxSplits: 2).map(String.init)
      switch words.first {
      case "result": visit.results[words[1]] = words[2]
      case "log": visit.log.append(line)
      default: visit.others.append(line)
      }
    }
    return visit
  }

  private static let strays = "the worker left other processes"
  private static let nothing = "left children=0 descriptors=0 threads=0 abandoned=0"

  @Test(.timeLimit(.minutes(5)), arguments: Zoo.runaways.map(\.0.animal))
  func `what a worker leaves outside its group is killed, and told once with its poll's id`(_ animal: String) async throws {
    let (expected, strays) = try #require(Zoo.runaways.first { $0.0.animal == animal })
    let visit = try await nursery(["--adopts", animal])
    #expect(visit.results[animal]?.hasPrefix("\(expected.failure.rawValue) release=true") == true, "\(visit)")
    #expect(
      visit.log.filter { $0.contains(Self.strays) }
        == ["log debug \(animal) the worker left other processes; killed: \(strays)"])
    #expect(visit.others.last == Self.nothing)
    #expect(visit.born.count >= strays)
    for pid in visit.born { #expect(Processes.state(of: pid) == nil) }
  }

  @Test func `a stray takes nothing from a success`() async throws {
    let visit = try await nursery(["--adopts", "fine_with_a_stray"])
    #expect(visit.results["fine_with_a_stray"]?.hasPrefix("ok release=false") == true, "\(visit)")
    #expect(visit.log.contains("log debug fine_with_a_stray the worker left other processes; killed: 1"))
    #expect(visit.others.last == Self.nothing)
  }

  @Test func `a stray is counted to the poll it came from, though it is found at another's end`() async throws {
    let visit = try await nursery(["--adopts", "daemonizes:4", "hangs:1"])
    #expect(
      visit.log.filter { $0.contains(Self.strays) } == ["log debug daemonizes the worker left other processes; killed: 1"])
    #expect(visit.others.last == Self.nothing)
  }

  @Test func `unless orphans are adopted nothing but the group is killed`() async throws {
    let visit = try await nursery(["double_fork_setsid"])
    #expect(!visit.log.contains { $0.contains(Self.strays) })
    let stray = try #require(visit.born.first)
    #expect(Processes.state(of: stray) != nil)
    kill(stray, SIGKILL)
  }

  @Test func `a child that was started by hand is left alone, in whatever group`() async throws {
    let visit = try await nursery(["--adopts", "--own-child", "double_fork_setsid"])
    #expect(visit.others.contains("own child lives"))
    #expect(visit.others.last == Self.nothing)
  }

  @Test func `a child that was started by hand in a session of its own is taken for a stray`() async throws {
    let visit = try await nursery(["--adopts", "--own-session", "hangs:1"])
    #expect(visit.others.contains("own child killed") || visit.others.contains("own child gone"), "\(visit)")
  }

  @Test(.enabled(if: geteuid() == 0)) func `PID 1 kills its children's strays and nobody else's orphans`() async throws {
    let visit = try await nursery(
      ["--adopts", "--own-session", "fine_with_a_stray", "dynasty"],
      behind: ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
    #expect(visit.others.contains("own child lives"), "\(visit)")
    #expect(visit.log.contains("log debug fine_with_a_stray the worker left other processes; killed: 1"))
    #expect(visit.log.contains("log debug dynasty the worker left other processes; killed: 3"))
    #expect(visit.others.last == Self.nothing)
  }

  @Test func `where the kernel reaps by itself an end is unknown, and no success`() async throws {
    let visit = try await nursery(["--ignores-ends", "nothing"])
    #expect(
      visit.results["nothing"]?.hasSuffix("The worker ended in start, and how was not to be learned.") == true, "\(visit)")
  }

  @Test(.timeLimit(.minutes(5))) func `the whole zoo at once: each its own failure, and nothing left`() async throws {
    let cases = Zoo.misbehaving + Zoo.runaways.map(\.0)
    let behaving = Zoo.behaving.filter { $0 != "sleeps_20s_then_fine" }
    let visit = try await nursery(["--adopts"] + cases.map(\.animal) + behaving)
    #expect(visit.results.count == cases.count + behaving.count)
    for expected in cases {
      let result = visit.results[expected.animal] ?? "none"
      #expect(result.hasPrefix("\(expected.failure.rawValue) release=\(expected.needsRelease)"), "\(expected.animal): \(result)")
    }
    for animal in behaving { #expect(visit.results[animal]?.hasPrefix("ok ") == true, "\(animal)") }
    #expect(visit.others.last == Self.nothing)
    for pid in visit.born { #expect(Processes.state(of: pid) == nil) }
    // KiB, after sixty animals of which five flooded.
    let grown = try #require(visit.others.lazy.compactMap { $0.split(separator: "grown ").first.flatMap { Int($0) } }.first)
    #expect(grown < 64 * 1024)
  }
}
