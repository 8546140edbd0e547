import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Synchronization
import Testing

/// Workers that are killed at any instant, many at a time, by either link. Counts what is left, so nothing may run beside it
/// (Tests/run); a thousand deaths in the long run.
@Suite(.timeLimit(.minutes(10))) struct KillStormTests {
  private static let isLong = getenv("BLUPOW_TEST_LONG") != nil
  private static let deaths = isLong ? 1000 : 60
  private static let modules = 20
  /// SIGKILL mostly. One that is stopped takes until its deadline.
  private static let signals = Array(repeating: SIGKILL, count: 7) + [SIGTERM, SIGSEGV] + (isLong ? [SIGSTOP] : [])
  /// A poll takes a tenth of a second, most of it within the radio's stages.
  private static let delays =
    #"{"advertise_ms":5,"connect_ms":20,"services_ms":20,"reply_ms":10,"fragment_ms":1,"disconnect_ms":20}"#

  private struct Toll: Sendable {
    var deaths: [Int32: Int] = [:]
    var stages: [Stage: Int] = [:]
    var survived = 0
    var releases = 0
    var unanswered = 0
    var slowest = Duration.zero
    var count: Int { deaths.values.reduce(0, +) }
  }

  private final class Tally: Sendable {
    let toll = Mutex(Toll())
    func note(_ body: (inout Toll) -> Void) { toll.withLock { body(&$0) } }
  }

  @Test func `after workers were killed at random instants, twenty at a time, nothing is left and every module is read`()
    async throws
  {
    let fleet = try await Fleet.start(Array(repeating: "", count: Self.modules), adapters: 8, delays: Self.delays)
    // All at once and unharmed, which tells how long a poll takes here; what the runtime opens once is open then.
    let lengths = await withTaskGroup(of: Duration?.self) { group in
      for member in fleet.members {
        group.addTask {
          let outcome = await fleet.poll(member, number: 0, deadline: .seconds(25))
          return outcome.succeeded ? outcome.lasted : nil
        }
      }
      return await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
    }
    try #require(lengths.count == Self.modules)
    let length = try #require(Fleet.median(lengths))
    let children = Processes.children().sorted()
    let descriptors = Processes.descriptors().count

    let tally = Tally()
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for member in fleet.members { group.addTask { await Self.kill(workersOf: member, in: fleet, length: length, tally) } }
    }
    let took = start.duration(to: .now)
    let toll = tally.toll.withLock { $0 }

    #expect(try await fleet.scene.quiet() != nil, "\(fleet.scene.journal.lines.suffix(10))")
    #expect(Processes.children().sorted() == children)
    #expect(Processes.descriptors().count <= descriptors)
    #expect(Spawner.shared.abandonedCount == 0)
    var read = 0
    for member in fleet.members {
      let outcome = await fleet.poll(member, number: 9999, deadline: .seconds(25))
      if outcome.succeeded { read += 1 }
      #expect(outcome.succeeded && outcome.done?.foundStanding == false, "\(outcome)")
    }
    let signals = toll.deaths.sorted { $0.key < $1.key }.map { "\($0.value) by signal \($0.key)" }.joined(separator: ", ")
    let stages = Stage.allCases.compactMap { stage in toll.stages[stage].map { "\($0) in \(stage)" } }.joined(separator: ", ")
    print(
      """
      kill storm: \(toll.count) workers killed in \(took.shortSeconds) (\(signals); \(stages)), \(toll.survived) were done before; \
      \(toll.releases) releases, the slowest \(toll.slowest.milliseconds) ms, \(toll.unanswered) not answered in time; left: 0 \
      processes, descriptors and links; \
      \(read) of \(Self.modules) next polls good
      """)
    #expect(toll.count >= Self.deaths)
    #expect(toll.unanswered * 20 <= toll.releases)
    await fleet.scene.end()
  }

  private static func kill(workersOf member: Fleet.Member, in fleet: Fleet, length: Duration, _ tally: Tally) async {
    var number = 0
    var deaths = 0
    while deaths < Self.deaths / modules {
      number += 1
      let this = number
      let polling = Task { await fleet.poll(member, number: this, deadline: .seconds(8)) }
      try? await Task.sleep(for: length * Int.random(in: 0...1000) / 1000)
      let signal = signals.randomElement() ?? SIGKILL
      let worker = ProcessTable.running(member.worker, under: getpid()).first
      let isKilled = worker.map { Glibc.kill($0, signal) == 0 } ?? false
      if let worker, signal == SIGSEGV {
        // Swift's handler writes a backtrace and goes on where the fault was only sent; the next one is deadly.
        while Glibc.kill(worker, SIGSEGV) == 0, ProcessTable.state(of: worker).map({ $0 != "Z" }) ?? false {
          try? await Task.sleep(for: .milliseconds(20))
        }
      }
      let outcome = await polling.value
      // One that was told to stop after its last line ends as it would have.
      if isKilled, outcome.done == nil {
        deaths += 1
        tally.note {
          $0.deaths[signal, default: 0] += 1
          $0.stages[outcome.stage, default: 0] += 1
        }
        #expect(!outcome.answers.isEmpty)
      } else {
        tally.note { $0.survived += 1 }
      }
      guard outcome.needsRelease else { continue }
      let start = ContinuousClock.now
      let failure = await fleet.release(member, number: this)
      let took = start.duration(to: .now)
      // Twenty workers and the simulator on few cores: an answer may come too late for a release. The next poll begins with the same.
      #expect(failure == nil || failure?.failure == .daemonSilent, "\(member.link), signal \(signal) in \(outcome.stage)")
      tally.note {
        $0.releases += 1
        if failure != nil { $0.unanswered += 1 }
        $0.slowest = max($0.slowest, took)
      }
    }
  }
}
