import FoundationEssentials
import Policy
import Readings

/// How the gateway does.
struct GatewayDocument: Encodable {
  private let version: String
  private let uptime: Int64
  private let problem: String
  private let text: String
  private let problems: [Problem]

  /// Problems that are told.
  private static let maxProblems = 16

  private enum CodingKeys: String, CodingKey {
    case version, problem, text, problems
    case uptime = "uptime_s"
  }

  init(_ status: FleetStatus) {
    version = status.version
    // In minutes: it is published where it has changed.
    uptime = status.uptime.components.seconds / 60 * 60
    problem = status.problems.isEmpty ? "off" : "on"
    let sentences = status.problems.map { "\($0.subject): \($0.message)" }
    text = sentences.isEmpty ? "none" : Printable.text(sentences.joined(separator: " "), maxBytes: Wire.maxTextBytes)
    problems = Array(status.problems.prefix(Self.maxProblems))
  }
}
