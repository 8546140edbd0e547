/// Metrics in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
struct Exposition {
  enum Kind: String {
    /// Only ever rises, while the process lives.
    case counter
    case gauge
  }

  /// A name, and what its samples say.
  struct Family: Hashable {
    var name: String
    var kind: Kind
    var help: String

    init(_ name: String, _ help: String, _ kind: Kind = .gauge) {
      self.name = name
      self.kind = kind
      self.help = help
    }
  }

  typealias Labels = KeyValuePairs<String, String?>

  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// By name, in the order in which they first came.
  private var names: [String] = []
  private var families: [String: (family: Family, lines: [String])] = [:]

  /// A value that nobody knows has no sample; so has a label none.
  mutating func add(_ family: Family, _ value: Double?, _ labels: Labels = [:], more: [(String, String)] = []) {
    guard let value else { return }
    let said = (labels.compactMap { name, text in text.map { (name, $0) } } + more).map { "\($0)=\"\(Self.escape($1))\"" }
    if families[family.name] == nil { names.append(family.name) }
    families[family.name, default: (family, [])].lines.append(
      "\(family.name)\(said.isEmpty ? "" : "{\(said.joined(separator: ","))}") \(Self.number(value))")
  }

  mutating func add(_ family: Family, _ value: Int?, _ labels: Labels = [:], more: [(String, String)] = []) {
    add(family, value.map { Double($0) }, labels, more: more)
  }

  var text: String {
    names.compactMap { families[$0] }.map { family, lines in
      "# HELP \(family.name) \(Self.escape(family.help, quotes: false))\n# TYPE \(family.name) \(family.kind.rawValue)\n"
        + lines.joined(separator: "\n") + "\n"
    }.joined()
  }

  /// Whole numbers without a point.
  private static func number(_ value: Double) -> String {
    Int64(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  /// By scalars: a quote with an accent behind it is another character to Swift, and a quote to who reads this.
  private static func escape(_ text: String, quotes: Bool = true) -> String {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": escaped += "\\n".unicodeScalars
      case "\\": escaped += "\\\\".unicodeScalars
      case "\"" where quotes: escaped += "\\\"".unicodeScalars
      default: escaped.append(scalar)
      }
    }
    return String(escaped)
  }
}
