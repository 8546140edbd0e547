import Glibc
import Readings
import Testing

/// DESIGN's invariants of policy, over years.
@Suite struct FleetWalkTests {
  private static let isLong = getenv("BLUPOW_TEST_LONG") != nil

  @Test(.timeLimit(.minutes(60)), arguments: isLong ? [1, 2, 3] : [1] as [UInt64])
  func `a year of faults breaks no rule`(seed: UInt64) throws {
    // Two months in a short run.
    let days = Self.isLong ? 366 : 61
    var walk = try FleetWalk(seed: seed, modules: 3)
    try walk.run(for: .seconds(days * 86_400))
    print("\(days) days, seed \(seed): \(walk.polls) polls; \(walk.seen.sorted { $0.key < $1.key })")
    #expect(walk.polls > days * 500)
    // All of it was there.
    for what in [
      "restart", "release", "forget", "yield", "reset", "away", "back", "slowest", "leave_alone", "in_use", "module_failing",
    ] {
      #expect((walk.seen[what] ?? 0) > 0, "\(what): \(walk.seen)")
    }
  }

  @Test func `by the smallest interval too`() throws {
    var walk = try FleetWalk(seed: 7, modules: 10, interval: .seconds(10))
    try walk.run(for: .seconds(86_400))
    #expect(walk.polls > 20_000)
  }

  @Test func `a wall clock that jumps by hours changes no decision`() throws {
    func trace(_ step: Double) throws -> UInt64 {
      var walk = try FleetWalk(seed: 11, wallStep: step, reboots: false)
      try walk.run(for: .seconds(15 * 86_400))
      return walk.trace
    }
    let straight = try trace(0)
    #expect(try trace(5) == straight)
    #expect(try trace(-7) == straight)
  }
}
