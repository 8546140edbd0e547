import Glibc

/// Processes that left the group of the child they came from and were adopted by this one, until they have ended. Pure: children
/// go in, those to be killed come out.
///
/// A stray is told by what it cannot change: it is a child of this process that the spawner did not start, and its session is
/// neither this process's own (every child that somebody else here starts is born into that) nor a living child's.
struct Strays: Equatable, Sendable {
  typealias Instant = ContinuousClock.Instant

  /// What is known of the children of this process.
  struct Family: Equatable, Sendable {
    var ownSession: Int32
    /// Leaders of groups and sessions that run: what remains in their sessions is theirs, until they end.
    var living: Set<Int32>
    /// Groups that were killed as a whole.
    var ended: Set<Int32>
  }

  /// How long a stray may take to vanish after SIGKILL before nobody waits any more.
  static let patience = Duration.seconds(1)

  private var killed: [Int32: Instant] = [:]

  var isEmpty: Bool { killed.isEmpty }

  /// Of these children, those that are strays. One that is not among them any longer is forgotten.
  mutating func among(_ kin: [Kin], of family: Family) -> [Kin] {
    let found = kin.filter { one in
      !family.living.contains(one.pid) && !family.ended.contains(one.pid) && !family.ended.contains(one.group)
        && one.session != family.ownSession && !family.living.contains(one.session)
    }
    let pids = Set(found.map(\.pid))
    killed = killed.filter { pids.contains($0.key) }
    return found
  }

  func isKilled(_ stray: Kin) -> Bool { killed[stray.pid] != nil }

  /// It is killed, for the first time now.
  mutating func note(killed stray: Kin, at now: Instant) { killed[stray.pid] = now }

  /// Whether it may still be waited for.
  func mayEnd(_ stray: Kin, at now: Instant) -> Bool {
    killed[stray.pid].map { now < $0 + Self.patience } ?? true
  }
}
