package import Readings

/// Who may use an adapter now. At most three sessions at once, at most one of them for a module that failed last, earliest due
/// first.
package struct AdapterPool: Equatable, Sendable {
  package static let sessions = 3
  package static let failingSessions = 1

  private struct Wish: Equatable {
    var module: Address
    var due: Instant
    var isFailing: Bool
  }

  private var waiting: [Wish] = []
  private var running: [Address: Bool] = [:]

  package init() {}

  /// A module asks for a session. A second wish of the same module is none.
  package mutating func ask(_ module: Address, due: Instant, isFailing: Bool) {
    guard running[module] == nil, !waiting.contains(where: { $0.module == module }) else { return }
    waiting.append(Wish(module: module, due: due, isFailing: isFailing))
    waiting.sort { $0.due < $1.due }
  }

  /// The session has ended, or the wish is withdrawn.
  package mutating func leave(_ module: Address) {
    running[module] = nil
    waiting.removeAll { $0.module == module }
  }

  /// Those that may begin now; they count as running from here on.
  package mutating func admit() -> [Address] {
    var admitted: [Address] = []
    while running.count < Self.sessions, let index = waiting.firstIndex(where: { !$0.isFailing || hasRoomForFailing }) {
      let wish = waiting.remove(at: index)
      running[wish.module] = wish.isFailing
      admitted.append(wish.module)
    }
    return admitted
  }

  private var hasRoomForFailing: Bool { running.values.count { $0 } < Self.failingSessions }
}
