import Glibc
import Readings
import Rig
import Supervisor
import Synchronization

extension Scene {
  /// Launch to the line with the readings in our hands.
  func timeToReadings() async throws -> Duration {
    let start = ContinuousClock.now
    let end = Mutex<ContinuousClock.Instant?>(nil)
    _ = try await poll { line, _ in
      if case .readings = line.event { end.withLock { $0 = .now } }
    }
    guard let end = end.withLock({ $0 }) else { throw SpawnFailure(path: "blupow-worker", errno: ENODATA) }
    return start.duration(to: end)
  }

  /// The most memory a worker ever had, read when it has its readings and waits for its link to close.
  func peakMemory() async throws -> Int {
    let peak = Mutex(0)
    _ = try await poll { line, child in
      guard case .readings = line.event else { return }
      peak.withLock { $0 = ProcessTable.peakMemory(of: child.pid) ?? 0 }
    }
    return peak.withLock { $0 }
  }
}
