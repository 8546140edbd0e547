import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// Months of polls in minutes: as fast as the machine can, with a mix of faults, by either link. Looks at what this process holds, so
/// nothing may run beside it (Tests/run); twenty thousand polls in the long run.
@Suite(.timeLimit(.minutes(20))) struct SoakTests {
  private static let isLong = getenv("BLUPOW_TEST_LONG") != nil
  private static let lanes = 5
  /// After each round all lanes rest, and it is looked at what is held.
  private static let rounds = 20
  /// By each lane in a round.
  private static let polls = isLong ? 200 : 3
  /// Three modules a lane: two healthy ones, and one that fails in its own way.
  private static let faults = [
    #"{"fault":"slots"}"#, #"{"fault":"drop_link","from_request":2}"#, #"{"fault":"notify_refused"}"#,
    #"{"fault":"exception"}"#, #"{"fault":"no_characteristics"}"#,
  ]

  private struct Look {
    let residentKiB = Processes.residentKiB()
    let descriptors = Processes.descriptors().count
    let threads = Processes.threads().count
  }

  private struct Lap: Sendable {
    var healthy = 0
    var failures: [String] = []
    /// Launch to connected of healthy modules, by link.
    var connects: [LinkChoice: [Int64]] = [:]
    var workerCPU = Duration.zero
  }

  @Test func `thousands of polls leave descriptors, threads and memory as they were, and are as fast at the end`() async throws {
    let faults = (0..<Self.lanes * 3).map { $0 % 3 == 2 ? Self.faults[$0 / 3 % Self.faults.count] : "" }
    let fleet = try await Fleet.start(faults, adapters: 4, delays: Scene.noDelay)
    var looks: [Look] = []
    looks.reserveCapacity(Self.rounds)
    var whole = Lap()
    // Of the first tenth and of the last: what a test keeps of all the others would be a growth of its own.
    var early: [LinkChoice: [Int64]] = [:]
    var late = early
    let start = ContinuousClock.now
    for round in 0..<Self.rounds {
      let laps = await withTaskGroup(of: Lap.self) { group in
        for lane in 0..<Self.lanes { group.addTask { await Self.drive(lane, of: fleet, round: round) } }
        return await group.reduce(into: []) { $0.append($1) }
      }
      for lap in laps {
        whole.healthy += lap.healthy
        whole.failures += lap.failures
        whole.workerCPU += lap.workerCPU
        if round < Self.rounds / 10 { early.merge(lap.connects) { $0 + $1 } }
        if round >= Self.rounds * 9 / 10 { late.merge(lap.connects) { $0 + $1 } }
      }
      looks.append(Look())
    }
    let took = start.duration(to: .now)
    #expect(try await fleet.scene.quiet() != nil)
    await fleet.scene.end()

    #expect(whole.failures == [])
    // The first tenth is warming up.
    looks.removeFirst(2)
    let (first, last) = (looks[0], looks[looks.count - 1])
    let each = Double(Self.lanes * Self.polls) / 1000
    let slope = Self.slope(looks.map { Double($0.residentKiB) }) / each
    #expect(looks.allSatisfy { $0.descriptors <= first.descriptors })
    #expect(looks.allSatisfy { $0.threads <= first.threads })
    // Sixteen bytes lost a poll would be 16 KiB; what the heap settles into is of the same order.
    if Self.isLong { #expect(slope < 40, "\(looks.map(\.residentKiB))") }
    var connects: [String] = []
    for link in [LinkChoice.kernel, .bluez] {
      let early = try #require(early[link].flatMap(Fleet.median))
      let late = try #require(late[link].flatMap(Fleet.median))
      connects.append("\(link) \(early) then \(late) ms")
      if Self.isLong { #expect(Double(late) <= 1.1 * Double(early), "\(link): launch to connected") }
    }
    let count = Self.rounds * Self.lanes * Self.polls
    print(
      """
      soak: \(count) polls in \(took.shortSeconds), \(whole.healthy) of healthy modules, all good; resident \(first.residentKiB) then \
      \(last.residentKiB) KiB, \(Int(slope.rounded())) KiB per 1000 polls; descriptors \(first.descriptors) then \
      \(last.descriptors), threads \(first.threads) then \(last.threads); launch to connected, medians of the first and the last \
      tenth: \(connects.joined(separator: ", ")); a worker took \((whole.workerCPU / count).milliseconds) ms of CPU
      """)
  }

  /// One poll after another, of three modules in turn.
  private static func drive(_ lane: Int, of fleet: Fleet, round: Int) async -> Lap {
    var lap = Lap()
    for number in round * polls..<(round + 1) * polls {
      let member = fleet.members[lane * 3 + number % 3]
      let outcome = await fleet.poll(member, number: number, deadline: .seconds(25))
      if outcome.needsRelease, await fleet.release(member, number: number) != nil {
        lap.failures.append("release of \(member.address)")
      }
      lap.workerCPU += outcome.workerCPU
      if outcome.succeeded != member.isHealthy { lap.failures.append("\(member): \(outcome)") }
      guard member.isHealthy else { continue }
      lap.healthy += 1
      if let ms = outcome.done?.connectMs { lap.connects[member.link, default: []].append(ms) }
    }
    return lap
  }

  /// Of the line through these, a step apart, by least squares.
  private static func slope(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    let middle = Double(values.count - 1) / 2
    let over = values.enumerated().reduce(0) { $0 + (Double($1.offset) - middle) * ($1.element - mean) }
    let under = values.indices.reduce(0) { $0 + (Double($1) - middle) * (Double($1) - middle) }
    return over / under
  }
}
