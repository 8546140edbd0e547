import FoundationEssentials
import Logging
import Synchronization

/// The log on standard error, one line an entry. A reader that stopped reading costs lines, which are counted and said, never time.
struct ConsoleLog: LogHandler {
  var logLevel = Logger.Level.notice
  var metadata: Logger.Metadata = [:]
  private let label: String

  private static let dropped = Mutex(0)

  init(label: String) { self.label = label }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let fields = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let time = Date().formatted(.iso8601)
    Self.dropped.withLock { dropped in
      if dropped > 0 {
        guard Console.log("\(time) warning: \(dropped) lines of this log were dropped: nobody read them") == .written else {
          dropped += 1
          return
        }
        dropped = 0
      }
      if Console.log("\(time) \(event.level): \(event.message)\(fields)") != .written { dropped += 1 }
    }
  }
}
