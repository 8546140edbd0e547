import Readings

/// What one check found.
struct Finding: Equatable, Sendable {
  enum Verdict: String, Codable, Sendable {
    case ok, fault
    /// It cannot be told here; nothing hangs on it.
    case unknown
    /// Not asked.
    case skipped
  }

  var check: Check
  /// The device's name, where it is about one.
  var device: String?
  var verdict: Verdict
  /// Of a fault that polls know, too.
  var failure: Failure?
  /// What was seen: a sentence.
  var message: String
  /// What to do, with the command for it. Every fault has it.
  var advice: String?
  /// The running service says so; this command did not look itself.
  var isServicesWord = false
  /// Skipped for a fault of this check.
  var obstacle: Check?

  static func ok(_ check: Check, _ message: String, device: String? = nil) -> Finding {
    Finding(check: check, device: device, verdict: .ok, message: message)
  }

  static func unknown(_ check: Check, _ message: String, device: String? = nil, advice: String? = nil) -> Finding {
    Finding(check: check, device: device, verdict: .unknown, message: message, advice: advice)
  }

  static func fault(_ check: Check, _ message: String, device: String? = nil, advice: String) -> Finding {
    Finding(check: check, device: device, verdict: .fault, message: message, advice: advice)
  }

  /// A fault that polls know.
  static func fault(
    _ check: Check, _ report: FailureReport, device: String? = nil, address: Address? = nil
  ) -> Finding {
    Finding(
      check: check, device: device, verdict: .fault, failure: report.failure, message: report.message,
      advice: report.failure.remedy(device: device, address: address))
  }

  static func skipped(_ check: Check, _ message: String, device: String? = nil, obstacle: Check? = nil) -> Finding {
    Finding(check: check, device: device, verdict: .skipped, message: message, obstacle: obstacle)
  }

  var fromService: Finding {
    var own = self
    own.isServicesWord = true
    return own
  }
}

extension Finding: Encodable {
  private enum Key: String, CodingKey { case check, device, verdict, failure = "class", message, advice, by }

  /// Every key is always there.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(check, forKey: .check)
    try fields.encode(device, forKey: .device)
    try fields.encode(verdict, forKey: .verdict)
    try fields.encode(failure, forKey: .failure)
    try fields.encode(message, forKey: .message)
    try fields.encode(advice, forKey: .advice)
    try fields.encode(isServicesWord ? "service" : "doctor", forKey: .by)
  }
}
