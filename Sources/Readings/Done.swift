import FoundationEssentials

/// The last line: how the session went besides the readings.
package struct Done: Equatable, Sendable {
  /// What became of the link.
  package enum Link: String, Codable, Sendable {
    /// There was none of ours: another program's that was left alone counts as none.
    case none
    /// `Connected=false` was seen.
    case closed
    /// It could not be seen closed in the time that was left.
    case left
  }

  package var link: Link
  /// What carried it; `nil` where the session came to no link.
  package var by: LinkKind?
  /// Milliseconds spent in each stage.
  package var stages: [Stage: Int64]
  /// Launch to connected.
  package var connectMs: Int64?
  /// The connection try that succeeded, or the last one.
  package var attempts: Int
  /// A link to the module stood before this session, and was freed; or left alone, where the request wanted that.
  package var foundStanding: Bool
  /// What bluetoothd remembered of the module was dropped, as the request wanted.
  package var forgot: Bool
  /// dBm; only where this session scanned.
  package var rssi: Int?
  /// By device name.
  package var blocks: [String: BlockNotes]
  /// What the kernel's link found out about the module.
  package var learned: Learned?
  /// Trouble in cleaning up; it takes nothing from the readings.
  package var trouble: FailureReport?

  package init(
    link: Link, by: LinkKind? = nil, stages: [Stage: Int64] = [:], connectMs: Int64? = nil, attempts: Int = 0,
    foundStanding: Bool = false, forgot: Bool = false,
    rssi: Int? = nil, blocks: [String: BlockNotes] = [:], learned: Learned? = nil, trouble: FailureReport? = nil
  ) {
    self.link = link
    self.by = by
    self.learned = learned
    self.stages = stages
    self.connectMs = connectMs
    self.attempts = attempts
    self.foundStanding = foundStanding
    self.forgot = forgot
    self.rssi = rssi
    self.blocks = blocks
    self.trouble = trouble
  }
}

/// What a device's optional blocks did, as `register/words`.
package struct BlockNotes: Equatable, Sendable, Codable {
  /// Answered exception 2 with a good checksum.
  package var unsupported: [String]
  /// Did not answer.
  package var silent: [String]

  package init(unsupported: [String] = [], silent: [String] = []) {
    self.unsupported = unsupported
    self.silent = silent
  }
}
extension Done: Codable {
  private enum CodingKeys: String, CodingKey {
    case link, by, attempts, forgot, rssi, blocks, learned, trouble
    case stages = "stages_ms"
    case connectMs = "connect_ms"
    case foundStanding = "found_standing"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    // A dictionary with an enum for its key is an array in Codable: keyed by hand, and stages not known here passed over.
    let stages = try fields.decodeIfPresent([String: UInt32].self, forKey: .stages) ?? [:]
    self.init(
      link: try fields.decode(Link.self, forKey: .link),
      by: try fields.decodeIfPresent(LinkKind.self, forKey: .by),
      stages: Dictionary(uniqueKeysWithValues: stages.compactMap { key, ms in Stage(rawValue: key).map { ($0, Int64(ms)) } }),
      connectMs: try fields.decodeIfPresent(UInt32.self, forKey: .connectMs).map(Int64.init),
      attempts: Int(try fields.decodeIfPresent(UInt32.self, forKey: .attempts) ?? 0),
      foundStanding: try fields.decodeIfPresent(Bool.self, forKey: .foundStanding) ?? false,
      forgot: try fields.decodeIfPresent(Bool.self, forKey: .forgot) ?? false,
      rssi: try fields.decodeIfPresent(Int16.self, forKey: .rssi).map(Int.init),
      blocks: try fields.decodeIfPresent([String: BlockNotes].self, forKey: .blocks) ?? [:],
      learned: try fields.decodeIfPresent(Learned.self, forKey: .learned),
      trouble: try fields.decodeIfPresent(FailureReport.self, forKey: .trouble))
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(link, forKey: .link)
    try fields.encodeIfPresent(by, forKey: .by)
    try fields.encode(Dictionary(uniqueKeysWithValues: stages.map { ($0.rawValue, $1) }), forKey: .stages)
    try fields.encodeIfPresent(connectMs, forKey: .connectMs)
    try fields.encode(attempts, forKey: .attempts)
    try fields.encode(foundStanding, forKey: .foundStanding)
    if forgot { try fields.encode(true, forKey: .forgot) }
    try fields.encodeIfPresent(rssi, forKey: .rssi)
    if !blocks.isEmpty { try fields.encode(blocks, forKey: .blocks) }
    try fields.encodeIfPresent(learned, forKey: .learned)
    try fields.encodeIfPresent(trouble, forKey: .trouble)
  }
}
