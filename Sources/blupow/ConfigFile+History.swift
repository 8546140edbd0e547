import Readings
import Yams

extension ConfigFile {
  /// Settings of the section `history`; each can also be set by `BLUPOW_HISTORY_` and its name in capitals.
  static let historyScalars = ["keep"]
  /// A season: what was different last month can still be seen.
  static let standardKeep = Duration.seconds(90 * 86_400)
  private static let keeps = Duration.seconds(86_400) ... .seconds(3650 * 86_400)

  static func historyVariable(_ scalar: String) -> String { "BLUPOW_HISTORY_" + scalar.uppercased() }

  /// How long the history is kept.
  static func history(_ node: Node?, file: String, environment: [String: String]) throws(ConfigError) -> Duration {
    func keep(_ fields: inout YAMLFields) throws(ConfigError) -> Duration? {
      try fields.value("keep", "a duration from 1d to 3650d") { text in
        Duration(text: text).flatMap { keeps.contains($0) ? $0 : nil }
      }
    }
    var said: Duration?
    // `history:` and nothing below it: everything has a default.
    if let node, node.scalar?.string != "" {
      var fields = try YAMLFields(node, file: file, path: "history", known: historyScalars)
      said = try keep(&fields)
      try fields.finish()
    }
    if let value = environment[historyVariable("keep")] {
      var single = try YAMLFields(
        Node.mapping(.init([(Node("keep"), Node(value))])), file: historyVariable("keep"), path: "history", known: historyScalars)
      said = try keep(&single)
    }
    return said ?? standardKeep
  }
}
