import Logging
import Policy
import Readings
import Rig
import Synchronization
import Testing

@testable import Publishers

@Suite struct WatchdogTests {
  private final class Bowl: Sendable {
    private let state = Mutex(0)
    var feeds: Int { state.withLock { $0 } }
    func feed() { state.withLock { $0 += 1 } }
  }

  private let address: Address
  private let lines = LogLines()
  private let bowl = Bowl()
  /// It looks as often as it can.
  private let watchdog: Watchdog

  init() throws {
    address = try #require(Address("D8:B6:73:BF:4F:75"))
    watchdog = try #require(Watchdog(environment: ["WATCHDOG_USEC": "2000"]))
  }

  /// It runs on what `doings` answers, until `body` has seen enough.
  private func run(
    _ doings: @escaping @Sendable () async -> [Address: StallCheck.Doing], until body: () async throws -> Void
  ) async throws {
    let (watchdog, lines, bowl) = (watchdog, lines, bowl)
    let running = Task {
      await watchdog.run(
        doings: doings, feed: { bowl.feed() }, log: Logger(label: "watchdog") { _ in lines.handler(level: .notice) })
    }
    try await body()
    running.cancel()
    await running.value
  }

  @Test func `it looks twice in the manager's time, and only for the process that the manager means`() {
    #expect(Watchdog(environment: ["WATCHDOG_USEC": "60000000"])?.every == .seconds(30))
    #expect(Watchdog(environment: ["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "77"], process: 77)?.every == .seconds(30))
    #expect(Watchdog(environment: ["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "78"], process: 77) == nil)
    for none in ["", "0", "-1", "a minute"] { #expect(Watchdog(environment: ["WATCHDOG_USEC": none]) == nil) }
    #expect(Watchdog(environment: [:]) == nil)
  }

  @Test(.timeLimit(.minutes(5))) func `a gateway that answers and moves feeds it`() async throws {
    try await run({ [address] in [address: .resting(until: .now)] }) {
      while bowl.feeds < 5 { try await Task.sleep(for: .milliseconds(1)) }
    }
    #expect(lines.all == [])
  }

  @Test(.timeLimit(.minutes(5))) func `a gateway that does not answer any more does not feed it`() async throws {
    let answers = Bowl()
    let (never, end) = AsyncStream.makeStream(of: Void.self)
    try await run({ [address] in
      answers.feed()
      if answers.feeds > 3 { for await _ in never {} }
      return [address: .resting(until: .now)]
    }) {
      while answers.feeds < 4 { try await Task.sleep(for: .milliseconds(1)) }
      try await Task.sleep(for: .milliseconds(100))
      #expect(bowl.feeds == 3)
      end.finish()
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func `a schedule that stands still does not feed it, is told once, and feeds again when it moves`()
    async throws
  {
    // Overdue for a year: so the first look already sees it as late as any later one.
    let stuck = StallCheck.Doing.polling(poll: "p-1", deadline: .seconds(-31_536_000))
    let moves = Bowl()
    try await run({ [address] in moves.feeds == 0 ? [address: stuck] : [address: .resting(until: .now)] }) {
      while lines.all.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
      try await Task.sleep(for: .milliseconds(50))
      #expect(bowl.feeds == 0)
      moves.feed()
      while bowl.feeds == 0 { try await Task.sleep(for: .milliseconds(1)) }
    }
    #expect(lines.all.count == 2, "\(lines.all)")
    #expect(lines.all.first?.hasPrefix("critical the schedule stands still: nothing has become of D8:B6:73:BF:4F:75") == true)
    #expect(lines.all.last == "notice the schedule moves again")
  }
}
