package import Readings

/// Who may use an adapter now. At most so many sessions at once, at most so many of them for modules that failed last, earliest due
/// first; and sometimes one who must have it alone.
package struct AdapterPool: Equatable, Sendable {
  package static let sessions = 3
  package static let failingSessions = 1

  /// Who may begin now.
  package struct Admission: Equatable, Sendable {
    package var modules: [Address] = []
    /// The one who must be alone.
    package var alone = false

    package init(modules: [Address] = [], alone: Bool = false) {
      self.modules = modules
      self.alone = alone
    }
  }

  private struct Wish: Equatable {
    var module: Address
    var due: Instant
    var isFailing: Bool
  }

  private enum Alone: Equatable { case nobody, waiting, running }

  private var limit = sessions
  private var failingLimit = failingSessions
  private var waiting: [Wish] = []
  private var running: [Address: Bool] = [:]
  private var alone = Alone.nobody

  package init() {}

  /// How many at once from now on; those that run are not disturbed.
  package mutating func resize(sessions: Int, failingSessions: Int) {
    limit = max(1, sessions)
    failingLimit = min(max(1, failingSessions), limit)
  }

  /// A module asks for a session. A second wish of the same module is none.
  package mutating func ask(_ module: Address, due: Instant, isFailing: Bool) {
    guard running[module] == nil, !waiting.contains(where: { $0.module == module }) else { return }
    let wish = Wish(module: module, due: due, isFailing: isFailing)
    waiting.insert(wish, at: waiting.firstIndex { $0.due > due } ?? waiting.endIndex)
  }

  /// The session has ended, or the wish is withdrawn.
  package mutating func leave(_ module: Address) {
    running[module] = nil
    waiting.removeAll { $0.module == module }
  }

  /// Somebody must have the adapter alone: from now on nobody begins, until that is over.
  package mutating func askAlone() { if alone == .nobody { alone = .waiting } }

  /// That is over, or the wish is withdrawn.
  package mutating func leaveAlone() { alone = .nobody }

  /// Those that may begin now; they count as running from here on.
  package mutating func admit() -> Admission {
    switch alone {
    case .running: return Admission()
    case .waiting:
      guard running.isEmpty else { return Admission() }
      alone = .running
      return Admission(alone: true)
    case .nobody: break
    }
    var admitted: [Address] = []
    while running.count < limit, let index = waiting.firstIndex(where: { !$0.isFailing || hasRoomForFailing }) {
      let wish = waiting.remove(at: index)
      running[wish.module] = wish.isFailing
      admitted.append(wish.module)
    }
    return Admission(modules: admitted)
  }

  private var hasRoomForFailing: Bool { running.values.count { $0 } < failingLimit }
}
