package import FoundationEssentials
package import Readings

/// The problems that there are now: each once, from its beginning to its end.
package struct Problems: Equatable, Sendable {
  private struct Key: Hashable {
    var name: Problem.Name
    var address: Address?
    var adapter: String?
  }

  private struct Entry: Equatable {
    var problem: Problem
    var began: Instant
  }

  private var entries: [Key: Entry] = [:]

  package init() {}

  /// `true`: it is new. One that lasts keeps its beginning, and has the newest words.
  package mutating func raise(_ problem: Problem, at now: Instant, wall: Date) -> Bool {
    let key = Key(name: problem.name, address: problem.address, adapter: problem.adapter)
    let old = entries[key]
    var problem = problem
    problem.since = old?.problem.since ?? wall
    entries[key] = Entry(problem: problem, began: old?.began ?? now)
    return old == nil
  }

  /// The problem, and how long it lasted, where there was one.
  package mutating func settle(
    _ name: Problem.Name, address: Address? = nil, adapter: String? = nil, at now: Instant
  ) -> (problem: Problem, lasted: Duration)? {
    entries.removeValue(forKey: Key(name: name, address: address, adapter: adapter)).map { ($0.problem, now - $0.began) }
  }

  /// Those of a module that is no longer ours are nobody's.
  package mutating func forget(_ address: Address) {
    entries = entries.filter { $0.key.address != address }
  }

  package var all: [Problem] {
    entries.values.sorted { ($0.began, $0.problem.subject) < ($1.began, $1.problem.subject) }.map(\.problem)
  }
}
