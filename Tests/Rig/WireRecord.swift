import Glibc

/// Keeps what the real programs said to each other, where `BLUPOW_TEST_WIRE` names a directory: `Tests/run` then validates all
/// of it against the schemas with an independent validator.
package enum WireRecord {
  package static var directory: String? { getenv("BLUPOW_TEST_WIRE").map { String(cString: $0) } }

  /// Appends lines to `name`.jsonl; one write each time, so that tests beside each other do not mix.
  package static func keep(_ lines: [String], _ name: String) {
    guard let directory, !lines.isEmpty else { return }
    let file = open("\(directory)/\(name).jsonl", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(lines.joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
    _ = write(file, bytes, bytes.count)
  }
}
