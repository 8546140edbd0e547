import FoundationEssentials

/// One failure as it happened: its class, the stage it happened in, and a sentence with the particulars.
///
/// On the wire it also carries `whose` and `advice` for people who read the lines; both are computed from the class and ignored
/// when read back.
package struct FailureReport: Error, Equatable, Sendable {
  package var failure: Failure
  package var stage: Stage
  /// What happened and where, e.g. "Connect to D8:B6:73:BF:4F:75 did not answer within 8.0 s". No secret, at most 500 characters, all printable.
  package var message: String

  package init(_ failure: Failure, at stage: Stage, _ message: String) {
    self.failure = failure
    self.stage = stage
    self.message = Printable.text(String(message.prefix(500)), maxBytes: 4000)
  }
}

extension FailureReport: Codable {
  private enum Key: String, CodingKey { case failure = "class", stage, whose, message, advice }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    self.init(
      try fields.decode(Failure.self, forKey: .failure),
      at: try fields.decode(Stage.self, forKey: .stage),
      try fields.decode(String.self, forKey: .message))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(failure, forKey: .failure)
    try fields.encode(stage, forKey: .stage)
    try fields.encode(failure.whose, forKey: .whose)
    try fields.encode(message, forKey: .message)
    try fields.encode(failure.advice, forKey: .advice)
  }
}
