import Readings
import Yams

/// One YAML mapping, read key by key; what nobody asked for is an error that names its line and column.
struct YAMLFields {
  private let file: String
  private let path: String
  private let mark: Mark?
  /// Where each key's value stands.
  private let marks: [String: Mark]
  private var entries: [(key: Node, value: Node)]
  private let known: [String]

  init(_ node: Node, file: String, path: String = "", known: [String]) throws(ConfigError) {
    guard case .mapping(let mapping) = node else {
      throw Self.error(file, node.mark, "\(path.isEmpty ? "the file" : path) must be a list of `key: value` lines.")
    }
    self.file = file
    self.path = path
    mark = node.mark
    self.known = known
    entries = mapping.map { ($0.key, $0.value) }
    marks = entries.reduce(into: [:]) { marks, entry in
      if let key = entry.key.string { marks[key] = entry.value.mark }
    }
  }

  static func error(_ file: String, _ mark: Mark?, _ text: String) -> ConfigError {
    ConfigError(file, line: mark?.line, column: mark?.column, text)
  }

  private func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// A mistake at a key's value.
  func wrong(_ key: String, _ node: Node, _ text: String) -> ConfigError { Self.error(file, node.mark, "\(name(key)): \(text)") }

  /// A mistake of the whole mapping.
  func wrong(_ text: String) -> ConfigError { Self.error(file, mark, "\(path.isEmpty ? "" : "\(path): ")\(text)") }

  /// A mistake of several keys together: at the first of them that stands here, else of the whole mapping.
  func wrong(of keys: [String], _ text: String) -> ConfigError {
    guard let key = keys.first(where: { marks[$0] != nil }) else { return wrong(text) }
    return Self.error(file, marks[key], "\(name(key)): \(text)")
  }

  mutating func take(_ key: String) -> Node? {
    guard let index = entries.firstIndex(where: { $0.key.string == key }) else { return nil }
    return entries.remove(at: index).value
  }

  mutating func text(_ key: String) throws(ConfigError) -> (value: String, node: Node)? {
    guard let node = take(key) else { return nil }
    guard case .scalar(let scalar) = node else { throw wrong(key, node, "must be one value, not a list or a mapping.") }
    guard !scalar.string.isEmpty else { throw wrong(key, node, "has no value.") }
    return (scalar.string, node)
  }

  mutating func value<T>(_ key: String, _ what: String, _ parse: (String) -> T?) throws(ConfigError) -> T? {
    guard let (text, node) = try text(key) else { return nil }
    guard let value = parse(text) else { throw wrong(key, node, "'\(text.prefix(60))' is not \(what).") }
    return value
  }

  mutating func duration(_ key: String, _ range: ClosedRange<Duration>) throws(ConfigError) -> Duration? {
    let words = "a duration from \(ConfigFile.text(range.lowerBound)) to \(ConfigFile.text(range.upperBound))"
    return try value(key, words) { text in Duration(text: text).flatMap { range.contains($0) ? $0 : nil } }
  }

  mutating func number(_ key: String, _ range: ClosedRange<Int>) throws(ConfigError) -> Int? {
    try value(key, "a number from \(range.lowerBound) to \(range.upperBound)") { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  mutating func flag(_ key: String) throws(ConfigError) -> Bool? {
    try value(key, "true or false") { ["true": true, "false": false][$0] }
  }

  mutating func list(_ key: String) throws(ConfigError) -> [Node]? {
    guard let node = take(key) else { return nil }
    guard case .sequence(let sequence) = node else { throw wrong(key, node, "must be a list: lines that begin with `- `.") }
    return Array(sequence)
  }

  /// Nothing may be left.
  func finish() throws(ConfigError) {
    guard let left = entries.first else { return }
    let key = Printable.text(left.key.string ?? "?", maxBytes: 100)
    let meant = known.filter { Self.distance(key, $0) <= 2 }.min { Self.distance(key, $0) < Self.distance(key, $1) }
    throw Self.error(
      file, left.key.mark,
      "\(name(key)) is not a known key; \(meant.map { "did you mean \($0)?" } ?? "known here: \(known.joined(separator: ", ")).")"
    )
  }

  /// How many letters have to be added, left out or exchanged (Levenshtein).
  private static func distance(_ one: String, _ other: String) -> Int {
    var row = Array(0...other.count)
    for (line, letter) in one.enumerated() {
      var diagonal = row[0]
      row[0] = line + 1
      for (column, candidate) in other.enumerated() {
        let cost = diagonal + (letter == candidate ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(cost, row[column] + 1, diagonal + 1)
      }
    }
    return row[other.count]
  }
}
