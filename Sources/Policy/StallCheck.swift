package import Readings

/// Whether the schedule moves. What a module does has an end that a schedule that works keeps, however slow or silent the module, and
/// whatever is missing of bus and adapter; one that does the same for far longer is stuck.
///
/// How long is counted by a clock that stands still in suspend: whoever slept with the host is not late.
package struct StallCheck: Equatable, Sendable {
  /// What a module does.
  package enum Doing: Equatable, Sendable {
    case resting(until: Instant)
    /// For a session that others have.
    case waiting(poll: String)
    case polling(poll: String, deadline: Duration)
    case releasing(poll: String)
  }

  private struct Watched: Equatable {
    var doing: Doing
    var until: SuspendingClock.Instant
  }

  /// A busy host starts nothing for some seconds, and a memory card may stand still for half a minute. Nothing is late for a whole one.
  static let patience = Duration.seconds(60)
  /// From a worker's deadline to the end of its poll, at most: SIGTERM, after 2 s SIGKILL, after 5 s more it is given up.
  static let ending = Duration.seconds(10)
  /// As long as one session can last, its release with it, or as an adapter is switched off and on: while others wait for it,
  /// something changes oftener.
  static let longestSession = TimeoutScale.fixedLimits.upperBound + ending + ModuleMachine.releaseDeadline + ending

  /// Beyond what the turns of all the others can take: who is due earliest is next, so each goes before it once.
  static let longestWait = Duration.seconds(3600)

  private var watched: [Address: Watched] = [:]
  private var lastChange: SuspendingClock.Instant?

  package init() {}

  /// The modules that are stuck, in the order of their addresses. To be asked now and then: a change that comes and goes between two
  /// looks is one all the same, for every poll has its own name.
  ///
  /// - Parameter awake: by the clock that stands still in suspend.
  package mutating func look(
    _ modules: [Address: Doing], at now: Instant, awake: SuspendingClock.Instant
  ) -> [Address] {
    for (address, doing) in modules where watched[address]?.doing != doing {
      watched[address] = Watched(doing: doing, until: awake + Self.limit(of: doing, of: modules.count, at: now))
      lastChange = awake
    }
    watched = watched.filter { modules[$0.key] != nil }
    let untilAllWait = (lastChange ?? awake) + Self.longestSession + Self.patience
    return watched.filter { _, watched in
      if case .waiting = watched.doing, awake > untilAllWait { return true }
      return awake > watched.until
    }.keys.sorted { $0.text < $1.text }
  }

  private static func limit(of doing: Doing, of modules: Int, at now: Instant) -> Duration {
    switch doing {
    case .resting(let until): max(.zero, until - now) + patience
    case .waiting: longestSession * modules + longestWait
    case .polling(_, let deadline): deadline + ending + patience
    case .releasing: ModuleMachine.releaseDeadline + ending + patience
    }
  }
}
