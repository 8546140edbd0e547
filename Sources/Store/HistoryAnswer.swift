package import FoundationEssentials
package import Readings

/// A device that there is history of. What it is is told by its address and unit, as in MQTT; its name is the last that it had.
package struct HistoryDevice: Equatable, Sendable, Identifiable {
  package var id: Int64
  package var name: String
  package var address: String
  /// As configured.
  package var unit: UInt8?
  /// Simulated: to be said wherever it is shown.
  package var isSimulated: Bool
  /// All that it has ever said, by key.
  package var keys: [HistoryKey]
}

/// A key of readings in the history, and what its readings are: those of one key that are something else are another curve.
package struct HistoryKey: Hashable, Sendable {
  package var key: String
  /// A symbol; `nil` for words and counts.
  package var unit: String?
  /// Words otherwise, which have no curve.
  package var isNumber: Bool
  /// Computed from others of the same poll.
  package var isDerived = false
  /// With the register's own sign, because this model's convention is not known.
  package var isRawSign = false
}

/// An answer by spans of time.
package struct HistorySpans<Content: Equatable & Sendable>: Equatable, Sendable {
  package var content: Content
  /// Where the first one begins: of quarters of an hour it may be before what was asked for.
  package var from: Date
  /// Of one span.
  package var width: Duration
  /// How far apart two polls may be with nothing missed between them.
  package var gap: Duration

  /// Whether a line may lead from one to the next: of neighbouring spans, or where polls are rarer than spans.
  package func joins(_ time: Date, _ next: Date) -> Bool {
    func number(_ time: Date) -> Int64 { (time.wallMs - from.wallMs) / width.milliseconds }
    return number(next) - number(time) <= 1 || next.timeIntervalSince(time) <= gap.seconds
  }
}

/// One key's curve.
package struct HistoryCurve: Equatable, Sendable {
  package var key: HistoryKey
  /// By time.
  package var points: [HistoryPoint]
}

/// The readings of one span.
package struct HistoryPoint: Equatable, Sendable {
  /// Of the first poll in the span that read it; where the span is made of quarters of an hour, the first one's beginning.
  package var time: Date
  package var min: Double
  package var mean: Double
  package var max: Double
  /// How many readings.
  package var count: Int
}

/// The polls of one span.
package struct HistoryOutcome: Equatable, Sendable {
  /// Of its first poll; where the span is made of quarters of an hour, the first one's beginning.
  package var time: Date
  /// That gave readings.
  package var good: Int
  /// Failures by their class, as `Failure` names it.
  package var failed: [String: Int]
  /// Launch to connected, of the good ones that said it.
  package var connectMsMean: Double?
  /// Launch to end, of all.
  package var pollMsMean: Double
  /// The longest that one was given.
  package var deadline: Duration
}

/// One poll as it was recorded.
package struct HistoryPoll: Equatable, Sendable {
  /// When it was read, or when the poll that failed ended.
  package var time: Date
  /// Whether the kernel said that its clock was right then.
  package var isTimeKnown: Bool
  /// `nil`: it gave readings.
  package var failure: HistoryFailure?
  package var connectMs: Int64?
  package var pollMs: Int64
  package var deadline: Duration
  package var readings: [String: Reading]
  /// Of those, the keys that were computed from others of the same poll; sorted.
  package var derived: [String] = []
  /// Of those, the keys with the register's own sign, because this model's convention is not known; sorted.
  package var rawSign: [String] = []
}
