import Chance
import Glibc
import Testing
import Yams

@testable import blupow

@Suite struct YAMLGuardTests {
  @Test(
    arguments: [
      "a: &a [1]", "- *a", "? *a\n: 1", "[*a]", "{b: *a}", "{b, &a c}", "a:\n  - &x 1", "- b 'c\n- &a [1]", "'k': &a 1",
      "!t &a 1",
      "{a: b\n 'c, k: &a [1], z: 'x}", "- b\n 'c\nk: &a [1]", "a: \"b \\\" c\"\nd: *e", "a: 'b''c'\nd: *e", "--- &a\nb: 1",
    ])
  func `an anchor or alias is found`(text: String) {
    #expect(YAMLGuard.find(in: text)?.oddity == .anchor)
  }

  @Test(
    arguments: [
      "# a *star* & more\ngateway: a-b", "name: \"*Bob's* & co\" # *", "name: 'Bob''s & Co'", "name: \"a \\\" *b\"",
      "name: it's A & B",
      "devices:\n  - address: D8:B6:73:BF:4F:75\n    name: 'Bob''s & Co'\n    profile: auto # & *\n", "a: [b, 'c & d', \"*e\"]",
      "{a: b, c: 'd & e'}", "a: b*c&d", "a: 1 - 2 & 3",
    ])
  func `where it means nothing it is nothing`(text: String) throws {
    #expect(YAMLGuard.find(in: text) == nil)
    _ = try Yams.compose(yaml: text)
  }

  @Test(arguments: ["a: |\n  '\nb: &a 1", "a: >-\n  x", "- |\n 'x"]) func `text in blocks is found`(text: String) {
    #expect(YAMLGuard.find(in: text)?.oddity == .block)
  }

  @Test func `a directive is found, and its place`() throws {
    let found = try #require(YAMLGuard.find(in: "# x\n%YAML 1.1\n---\na: 1\n"))
    #expect(found.oddity == .directive && found.line == 2 && found.column == 1)
  }

  /// Whatever libyaml takes for an anchor is found: in texts of what makes YAML hard.
  @Test func `nothing that has an anchor gets by`() throws {
    let pieces = [
      "&a ", "*a", "&b [1]", "'", "\"", "\\", "\n", "\n ", "\n  ", "\n    ", "- ", "? ", ": ", ":", ", ", ",", "[", "]", "{", "}",
      "#",
      " # ", "a", "b c", "k: ", "!t ", "|", "> ", "%", "---\n", "...", "''", "\t", "1", "\r\n", "-", "!",
    ]
    var dice = Dice(seed: 1)
    var (taken, anchored) = (0, 0)
    for _ in 0..<(getenv("BLUPOW_TEST_LONG") == nil ? 300_000 : 10_000_000) {
      let text = (0..<Int.random(in: 2...14, using: &dice)).map { _ in pieces.randomElement(using: &dice) ?? "" }.joined()
      guard text.contains("&"), let parser = try? Parser(yaml: text), let root = try? parser.singleRoot() else { continue }
      taken += 1
      guard Self.hasAnchor(root) else { continue }
      anchored += 1
      #expect(YAMLGuard.find(in: text) != nil, "\(text.debugDescription)")
      // Anchors are the parser's.
      withExtendedLifetime(parser) {}
    }
    #expect(anchored > 1000 && taken > anchored, "\(taken) \(anchored)")
  }

  private static func hasAnchor(_ node: Node) -> Bool {
    if node.anchor != nil { return true }
    switch node {
    case .mapping(let mapping): return mapping.contains { hasAnchor($0.key) || hasAnchor($0.value) }
    case .sequence(let sequence): return sequence.contains { hasAnchor($0) }
    case .scalar, .alias: return false
    }
  }
}
