import Readings

/// All that doctor found, for people line by line and for programs as a document.
struct DoctorReport: Encodable {
  var findings: [Finding]

  private enum Key: String, CodingKey { case well, version, checks }

  var faults: Int { findings.count { $0.verdict == .fault } }

  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(faults == 0, forKey: .well)
    try fields.encode(Wire.release, forKey: .version)
    try fields.encode(findings, forKey: .checks)
  }

  // MARK: For people

  private static let verdictWidth = 9
  private static let checkWidth = 12

  /// A line, and under it what to do.
  static func text(of finding: Finding, colours: Bool) -> String {
    let verdict = finding.verdict == .fault ? "FAULT" : finding.verdict.rawValue
    let space = String(repeating: " ", count: max(0, verdictWidth - verdict.count))
    let device = finding.device.map { "\($0): " } ?? ""
    let whose = finding.isServicesWord ? " (The service's word.)" : ""
    let message = Printable.text("\(device)\(finding.message)\(whose)", maxBytes: 4000)
    let line = coloured(verdict, finding.verdict, colours) + space + finding.check.rawValue.padded(to: checkWidth) + message
    guard let advice = finding.advice else { return line }
    return "\(line)\n\("".padded(to: verdictWidth + checkWidth))\(Printable.text(advice, maxBytes: 4000))"
  }

  var summary: String {
    let unknown = findings.count { $0.verdict == .unknown }
    let rest = unknown == 0 ? "" : " \(unknown) could not be told."
    switch faults {
    case 0: return "No fault.\(rest)"
    case 1: return "1 fault.\(rest)"
    default: return "\(faults) faults.\(rest)"
    }
  }

  private static func coloured(_ word: String, _ verdict: Finding.Verdict, _ colours: Bool) -> String {
    guard colours else { return word }
    switch verdict {
    case .ok: return "\u{1B}[32m\(word)\u{1B}[0m"
    case .fault: return "\u{1B}[31m\(word)\u{1B}[0m"
    case .unknown: return "\u{1B}[33m\(word)\u{1B}[0m"
    case .skipped: return word
    }
  }
}
