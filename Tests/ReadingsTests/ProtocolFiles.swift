import FoundationEssentials
import Readings
import Testing

/// `protocol/` of this repository, as the tests read it: lines, JSON and tables.
enum ProtocolFiles {
  static func text(_ path: String) throws -> String {
    // Tests/ReadingsTests/ProtocolFiles.swift is three below the root.
    var root = URL(filePath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    return try String(decoding: Data(contentsOf: root.appending(path: "protocol").appending(path: path)), as: UTF8.self)
  }

  /// The lines of an examples file, without their newlines.
  static func lines(_ name: String) throws -> [[UInt8]] {
    try text("examples/\(name).jsonl").utf8.split(separator: UInt8(ascii: "\n")).map(Array.init)
  }

  static func schema(_ name: String) throws -> JSON {
    try JSON(text("schemas/\(name).schema.json").utf8)
  }

  /// The rows of the README's table below that heading: cells as they stand, without back-quotes.
  static func table(under heading: String) throws -> [[String]] {
    let lines = try text("README.md").split(separator: "\n", omittingEmptySubsequences: false)
    return
      lines
      .drop { $0 != heading }
      .drop { !$0.hasPrefix("|") }
      .prefix { $0.hasPrefix("|") }
      .dropFirst(2)
      .map { row in
        row.split(separator: "|").map { cell in
          cell.filter { $0 != "`" }.split(separator: " ").joined(separator: " ")
        }
      }
  }
}

/// A line that must be refused, and the class to refuse it by.
struct RefusedLine: Decodable, CustomTestStringConvertible {
  var line: String
  var `class`: String

  var testDescription: String { "\(`class`): \(line.prefix(100))" }

  static func all(_ name: String) throws -> [RefusedLine] {
    try ProtocolFiles.lines(name).map { try Wire.decode(RefusedLine.self, from: $0) }
  }
}
