import Logging

/// Every line of the log on standard output, with its level and its poll's id.
struct PrintingLog: LogHandler {
  var logLevel = Logger.Level.trace
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    say("log \(event.level) \(event.metadata?["poll"].map { "\($0)" } ?? "-") \(event.message)")
  }
}
