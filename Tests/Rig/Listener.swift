import Supervisor
import Synchronization

/// Another client at a broker, a program that is not ours: what it hears, and what of it is retained.
package final class Listener: Sendable {
  package struct Heard: Equatable, Sendable {
    package var topic: String
    package var payload: String
    /// As it was published.
    package var isRetained: Bool
  }

  private final class Ear: Sendable {
    let state = Mutex<(heard: [Heard], latest: [String: String])>(([], [:]))

    func note(_ line: String) {
      let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3 else { return }
      let heard = Heard(topic: parts[1], payload: parts[2], isRetained: parts[0] == "1")
      state.withLock { state in
        state.heard.append(heard)
        if heard.isRetained { state.latest[heard.topic] = heard.payload.isEmpty ? nil : heard.payload }
      }
    }
  }

  private let ear: Ear
  private let child: Child
  private let hearing: Task<Void, Never>

  /// Hears everything that is retained, and all that comes, until the broker ends.
  ///
  /// - Parameter qos: with 1 a broker drops what is more than it keeps waiting for one client.
  package init(_ broker: Broker, topic: String = "#", qos: Int = 1) async throws {
    let (ear, limits) = (Ear(), OutputLimits(line: 1_048_576, total: .max, errorLine: 8192, errorTotal: .max))
    let child = try await Spawner.shared.start(
      Command(
        path: "/usr/bin/mosquitto_sub",
        arguments: [
          "-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "--retain-as-published", "-q", "\(qos)", "-t", topic, "-F",
          "%r\\t%t\\t%p",
        ], environment: [:]), limits: limits, deadline: nil)
    hearing = Task {
      for await event in child.output { if case .line(let line) = event { ear.note(String(decoding: line, as: UTF8.self)) } }
    }
    self.ear = ear
    self.child = child
  }

  /// In the order in which it came.
  package var heard: [Heard] { ear.state.withLock { $0.heard } }

  /// Topics, and what is retained there as far as was heard.
  package var retained: [String: String] { ear.state.withLock { $0.latest } }

  /// Waits until what is retained is as wanted; whether it came so in time.
  package func wait(
    within limit: Duration = .seconds(120), until isWanted: @Sendable ([String: String]) -> Bool
  ) async throws -> Bool {
    let start = ContinuousClock.now
    while !isWanted(retained) {
      guard start.duration(to: .now) < limit else { return false }
      try await Task.sleep(for: .milliseconds(10))
    }
    return true
  }

  package func end() async {
    child.stop()
    await hearing.value
  }
}
