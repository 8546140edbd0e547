package import Readings

/// Why a running service gave no answer, as a sentence for the person who asked.
package enum ServiceTrouble: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nobody listens at any of these places.
  case notRunning([String])
  case unreachable(String, reason: String)
  case silent(String, after: Duration)
  case endedEarly(String)
  /// Not for this user; the service's own sentence.
  case refused(String)
  /// Asked for what it does not do or have; its status and sentence.
  case declined(Int, String)
  case notUnderstood(String, reason: String)

  package var description: String {
    switch self {
    case .notRunning(let paths):
      let places = paths.isEmpty ? "this bus has no place for one" : "nobody listens at \(paths.joined(separator: " or "))"
      return "No blupow service is running: \(places). `systemctl start blupow` or `blupow run` starts it."
    case .unreachable(let path, let reason): return "The blupow service at \(path) cannot be reached: \(reason)."
    case .silent(let path, let time):
      return "The blupow service at \(path) did not answer within \(time.shortSeconds). Is it stopped or overloaded? See its log."
    case .endedEarly(let path):
      return "The blupow service at \(path) ended the connection without an answer. It may be ending; see its log."
    case .refused(let sentence): return "The blupow service refused: \(sentence)"
    case .declined(let status, let sentence): return "The blupow service answered \(status): \(sentence)"
    case .notUnderstood(let path, let reason):
      return
        "The answer of the service at \(path) is not understood: \(reason). It may be of another release than this command (\(Wire.release)): restart it."
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .notRunning, .unreachable: .unavailable
    case .silent, .endedEarly, .declined: .tryAgain
    case .refused: .refused
    case .notUnderstood: .protocolError
    }
  }
}
