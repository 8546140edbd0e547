package import Logging
import Synchronization

/// Keeps what is logged, as "level message".
package final class LogLines: Sendable {
  private let lines = Mutex<[(text: String, poll: String?)]>([])

  package init() {}

  package var all: [String] { lines.withLock { $0.map(\.text) } }
  /// The poll that each line names.
  package var polls: [String?] { lines.withLock { $0.map(\.poll) } }

  package func handler(level: Logger.Level) -> any LogHandler { Keeper(lines: self, logLevel: level) }

  private struct Keeper: LogHandler {
    let lines: LogLines
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.lines.withLock { $0.append(("\(event.level) \(event.message)", event.metadata?["poll"].map { "\($0)" })) }
    }
  }
}
