/// Looks for what no configuration needs, before anything is composed of it: anchors and aliases, a few hundred bytes of which can
/// mean billions of nodes, and what could hide them from this look (text in blocks, directives).
///
/// Yams has the events of libyaml, which know, but does not show them. Where it is not sure whether a quote is one, text counts as
/// not quoted: it may refuse what is harmless, and is not blind.
struct YAMLGuard {
  enum Oddity: Equatable {
    case anchor
    case block
    case directive

    var advice: String {
      switch self {
      case .anchor: "anchors (&) and aliases (*) are not taken here; write the value out, or quote it."
      case .block: "text in blocks (| and >) is not taken here; write it in one line, or quote it."
      case .directive: "directives (%) are not taken here."
      }
    }
  }

  private enum Place {
    /// A node may begin.
    case start
    /// In a plain text, for sure.
    case plain
    /// In one that goes on in the next line, or in something else: neither quotes nor comments are believed.
    case unsure
    case quoted(Unicode.Scalar)
    case afterQuoted
    case tag
    case comment
  }

  private let text: [Unicode.Scalar]
  private var index = 0
  private var line = 1
  private var column = 1
  private var place = Place.start
  private var flow = 0
  /// What is indented more than this may be the plain text's, going on.
  private var plainIndent = 0
  private var indent = 0
  /// Where the line's first node begins, behind dashes.
  private var firstNode: Int?
  private var isIndenting = true

  private init(_ text: String) { self.text = Array(text.unicodeScalars) }

  /// The first, and where.
  static func find(in text: String) -> (oddity: Oddity, line: Int, column: Int)? {
    var scan = YAMLGuard(text)
    while scan.index < scan.text.count {
      if let oddity = scan.step() { return (oddity, scan.line, scan.column) }
    }
    return nil
  }

  private var next: Unicode.Scalar? { index + 1 < text.count ? text[index + 1] : nil }

  private static func isBlank(_ scalar: Unicode.Scalar?) -> Bool {
    switch scalar {
    case nil, " ", "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
    default: false
    }
  }

  private static func isBreak(_ scalar: Unicode.Scalar) -> Bool { isBlank(scalar) && scalar != " " && scalar != "\t" }

  private mutating func advance() {
    if Self.isBreak(text[index]) {
      if !(text[index] == "\r" && next == "\n") { (line, column) = (line + 1, 1) }
    } else {
      column += 1
    }
    index += 1
  }

  /// One step on, unless something is found there.
  private mutating func step() -> Oddity? {
    let scalar = text[index]
    if Self.isBreak(scalar) {
      endLine()
      advance()
      return nil
    }
    if isIndenting {
      if scalar == " " || scalar == "\t" {
        indent += 1
        advance()
        return nil
      }
      isIndenting = false
      beginLine()
    }
    switch place {
    case .start: return begin(scalar)
    case .plain, .unsure: return inPlain(scalar)
    case .quoted(let quote): inQuoted(scalar, quote)
    case .afterQuoted: afterQuoted(scalar)
    case .tag: inTag(scalar)
    case .comment: break
    }
    advance()
    return nil
  }

  private mutating func endLine() {
    (indent, isIndenting, firstNode) = (0, true, nil)
    switch place {
    case .comment, .afterQuoted, .tag: place = flow > 0 ? .unsure : .start
    case .start, .plain, .unsure, .quoted: break
    }
  }

  /// At the first character of a line that is not blank.
  private mutating func beginLine() {
    switch place {
    case .plain, .unsure: place = flow > 0 || indent > plainIndent ? .unsure : .start
    case .start, .quoted, .afterQuoted, .tag, .comment: break
    }
  }

  private mutating func begin(_ scalar: Unicode.Scalar) -> Oddity? {
    switch scalar {
    case "&", "*": return .anchor
    case "|", ">": return .block
    case "%" where column == 1: return .directive
    case "'", "\"":
      noteNode()
      place = .quoted(scalar)
    case "!":
      noteNode()
      place = .tag
    case "#" where index == 0 || Self.isBlank(text[index - 1]): place = .comment
    case "[", "{": flow += 1
    case "]", "}": closeFlow()
    case " ", "\t": break
    case "," where flow > 0: break
    case "-" where Self.isBlank(next), "?" where Self.isBlank(next), ":" where Self.isBlank(next):
      break
    case "?" where flow > 0, ":" where flow > 0:
      break
    case "-" where column <= 3 && isMarker: break
    default:
      // The value of a key in its line, or what may belong to anything before.
      (place, plainIndent) = (.plain, firstNode ?? -1)
      noteNode()
    }
    advance()
    return nil
  }

  private mutating func noteNode() { firstNode = firstNode ?? column - 1 }

  /// Of `---`.
  private var isMarker: Bool {
    let start = index - (column - 1)
    return start + 2 < text.count && text[start...start + 2].allSatisfy { $0 == "-" }
      && Self.isBlank(start + 3 < text.count ? text[start + 3] : nil)
  }

  private mutating func closeFlow() {
    flow = max(0, flow - 1)
    place = .afterQuoted
  }

  private mutating func inPlain(_ scalar: Unicode.Scalar) -> Oddity? {
    let isUnsure = if case .unsure = place { true } else { false }
    switch scalar {
    // What is not a text that goes on would begin here.
    case "&" where isUnsure && isAfterBlank, "*" where isUnsure && isAfterBlank: return .anchor
    case "|" where isUnsure && isAfterBlank, ">" where isUnsure && isAfterBlank: return .block
    case ":" where Self.isBlank(next) || flow > 0: place = isUnsure ? .unsure : .start
    case "#" where !isUnsure && Self.isBlank(text[index - 1]): place = .comment
    case "," where flow > 0, "?" where flow > 0:
      place = isUnsure ? .unsure : .start
    case "[" where flow > 0, "{" where flow > 0:
      flow += 1
      place = isUnsure ? .unsure : .start
    case "]" where flow > 0, "}" where flow > 0:
      isUnsure ? (flow = max(0, flow - 1)) : closeFlow()
    default: break
    }
    advance()
    return nil
  }

  /// Or after what a node may begin behind.
  private var isAfterBlank: Bool {
    guard index > 0 else { return true }
    return Self.isBlank(text[index - 1]) || "[]{},:?-!'\"".unicodeScalars.contains(text[index - 1])
  }

  private mutating func inQuoted(_ scalar: Unicode.Scalar, _ quote: Unicode.Scalar) {
    if quote == "\"", scalar == "\\", let next, !Self.isBreak(next) { return advance() }
    guard scalar == quote else { return }
    if quote == "'", next == "'" { return advance() }
    place = .afterQuoted
  }

  private mutating func afterQuoted(_ scalar: Unicode.Scalar) {
    switch scalar {
    case " ", "\t": break
    case ":": place = .start
    case "#" where Self.isBlank(text[index - 1]): place = .comment
    case "," where flow > 0: place = .start
    case "]" where flow > 0, "}" where flow > 0:
      closeFlow()
    // Nothing that libyaml takes.
    default: (place, plainIndent) = (.unsure, -1)
    }
  }

  private mutating func inTag(_ scalar: Unicode.Scalar) {
    if scalar == " " || scalar == "\t" { place = .start }
    if ",[]{}".unicodeScalars.contains(scalar), flow > 0 { place = .unsure }
  }
}
