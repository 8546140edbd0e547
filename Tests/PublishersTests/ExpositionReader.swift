/// A reader of Prometheus' text format that takes nothing that is not exactly as it should be.
struct ExpositionReader {
  struct Sample: Hashable {
    var name: String
    var labels: [String: String]
    var value: Double
  }

  struct Trouble: Error, CustomStringConvertible {
    var line: String
    var reason: String
    var description: String { "\(reason): \(line)" }
  }

  private(set) var kinds: [String: String] = [:]
  private(set) var help: [String: String] = [:]
  private(set) var samples: [Sample] = []

  init(_ text: String) throws {
    var current: String?
    var seen: Set<String> = []
    guard text.hasSuffix("\n"), !text.contains("\r") else { throw Trouble(line: "", reason: "no newline at the end") }
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      func check(_ isTrue: Bool, _ reason: String) throws { if !isTrue { throw Trouble(line: String(line), reason: reason) } }
      if let match = line.wholeMatch(of: /# HELP ([a-z_][a-z0-9_]*) (.+)/) {
        let name = String(match.1)
        try check(help[name] == nil, "a second HELP")
        help[name] = String(match.2)
        current = nil
      } else if let match = line.wholeMatch(of: /# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)/) {
        let name = String(match.1)
        try check(help[name] != nil && kinds[name] == nil, "a TYPE without HELP, or a second one")
        // What promtool's lint says of names.
        try check((match.2 == "counter") == name.hasSuffix("_total"), "_total is a counter's, and each counter's")
        try check(!["_count", "_sum", "_bucket", "_info_total"].contains { name.hasSuffix($0) }, "a histogram's name")
        let units: Set<Substring> = ["ms", "hours", "days", "minutes", "percent", "percentage", "kwh", "wh", "ah", "kilo"]
        try check(units.isDisjoint(with: name.split(separator: "_")), "no base unit")
        kinds[name] = String(match.2)
        current = name
      } else if let match = line.wholeMatch(of: /([a-z_][a-z0-9_]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[-+]?[0-9]+)?)/) {
        try check(current == String(match.1), "a sample apart from its TYPE")
        let value = Double(match.3)
        try check(value?.isFinite == true, "no number")
        let labels = try match.2.map { try Self.labels($0, of: String(line)) } ?? [:]
        try check(match.2 != "", "empty braces")
        try check(seen.insert("\(match.1)\(labels.sorted { $0.key < $1.key })").inserted, "a second sample of the same labels")
        samples.append(Sample(name: String(match.1), labels: labels, value: value ?? 0))
      } else {
        try check(false, "no line of this format")
      }
    }
    for name in kinds.keys where !samples.contains(where: { $0.name == name }) {
      throw Trouble(line: name, reason: "a TYPE without samples")
    }
  }

  private static func labels(_ text: Substring, of line: String) throws -> [String: String] {
    var labels: [String: String] = [:]
    var rest = text
    while true {
      let label = /([a-z_]+)="((?:[^"\\]|\\[\\"n])*)"/.matchingSemantics(.unicodeScalar)
      guard let match = rest.prefixMatch(of: label), labels[String(match.1)] == nil else {
        throw Trouble(line: line, reason: "no label, or one twice")
      }
      labels[String(match.1)] = Self.unescaped(match.2)
      rest = rest[match.range.upperBound...]
      guard rest.first == "," else { break }
      rest.removeFirst()
    }
    guard rest.isEmpty else { throw Trouble(line: line, reason: "something behind the labels") }
    return labels
  }

  /// By scalars, as others read it.
  private static func unescaped(_ text: Substring) -> String {
    var plain = String.UnicodeScalarView()
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if scalar == "\\", !isEscaped {
        isEscaped = true
        continue
      }
      plain.append(isEscaped && scalar == "n" ? "\n" : scalar)
      isEscaped = false
    }
    return String(plain)
  }
}
