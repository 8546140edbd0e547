package import Supervisor
import Synchronization

/// A running service's log, and how often it has said something, while it runs.
package final class ServiceLog: Sendable {
  private let counted: Counted
  private let hearing: Task<CommandRun, Never>

  private final class Counted: Sendable {
    let lines = Mutex(0)
  }

  /// - Parameter counts: whether a line is one of those that are counted.
  package init(of service: Child, counting counts: @escaping @Sendable (String) -> Bool) {
    let counted = Counted()
    self.counted = counted
    hearing = Task {
      await Scene.hear(service) { line in if counts(line) { counted.lines.withLock { $0 += 1 } } }
    }
  }

  /// How many have come so far.
  package var count: Int { counted.lines.withLock { $0 } }

  /// Waits until so many more have come; how long it took, or `nil` where they did not come in time.
  package func wait(forMore more: Int, within limit: Duration) async throws -> Duration? {
    let start = ContinuousClock.now
    let goal = counted.lines.withLock { $0 } + more
    while counted.lines.withLock({ $0 }) < goal {
      guard start.duration(to: .now) < limit else { return nil }
      try await Task.sleep(for: .milliseconds(20))
    }
    return start.duration(to: .now)
  }

  /// All of it, once the service has ended.
  package var whole: CommandRun { get async { await hearing.value } }
}
