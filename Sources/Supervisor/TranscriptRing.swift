import Glibc
package import Readings

/// Files for the transcripts of each module's last polls, for who looks for what was odd (`diagnostics: true`).
package struct TranscriptRing: Sendable {
  /// Of each module. A transcript has some thousand bytes, and never more than 1 MiB.
  package static let kept = 20

  /// Where a directory for each module is made.
  private let directory: String

  package init(directory: String) { self.directory = directory }

  /// A new file's path, for whoever makes it; room is made for it. `nil`: there is no place for one.
  package func next(for address: Address, poll: String) -> String? {
    let folder = "\(directory)/\(address.text.split(separator: ":").joined(separator: "-"))"
    for path in [directory, folder] {
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { return nil }
    }
    // Numbers tell the order, whatever a clock says.
    let files = (Directory.names(in: folder) ?? []).compactMap { name in Self.number(of: name).map { (number: $0, name: name) } }
      .sorted { $0.number < $1.number }
    for old in files.dropLast(Self.kept - 1) { unlink("\(folder)/\(old.name)") }
    let digits = "\((files.last?.number ?? 0) + 1)"
    let name = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    return "\(folder)/\(name)-\(poll.filter { $0.isLetter || $0.isNumber || $0 == "-" }).jsonl"
  }

  private static func number(of name: String) -> Int? {
    guard name.hasSuffix(".jsonl"), let number = Int(name.prefix { $0.isNumber }), number > 0, number < Int.max / 2 else {
      return nil
    }
    return number
  }
}
