package import FoundationEssentials

/// Reads the history, whether or not a service writes it meanwhile, in this process or in another. Every call opens the file, reads a
/// bounded amount and closes it again: nothing is held that would keep the writer from its work, and a file that was replaced is seen.
///
/// Its calls wait for the disk: not for a thread that others need. All times are the wall clock's.
package struct HistoryReader: Sendable {
  /// Of one answer.
  package static let maxPoints = 2000
  /// Of one question.
  package static let maxKeys = 64

  package let directory: String

  package init(directory: String) { self.directory = directory }

  /// The devices that there is history of, by name, the configured ones and those of the past.
  ///
  /// - Throws: `.absent` where there is no history yet.
  package func devices() throws(StoreError) -> [HistoryDevice] { throw StoreError(.gone, directory) }

  /// The curves of some keys: what was read in each of at most `points` spans of equal length. A span without a reading has no point;
  /// nothing is put in its place. Words have no curve.
  ///
  /// - Parameters:
  ///   - keys: at most `maxKeys`; one that the device has no numbers of gives no curve.
  ///   - points: 1 to `maxPoints`; what is more is taken for that.
  package func series(
    device: HistoryDevice.ID, keys: [String], from: Date, to: Date, points: Int
  ) throws(StoreError) -> HistorySpans<[HistoryCurve]> { throw StoreError(.gone, directory) }

  /// What became of the polls in each of at most `points` spans of equal length. A span without a poll has no entry.
  package func outcomes(
    device: HistoryDevice.ID, from: Date, to: Date, points: Int
  ) throws(StoreError) -> HistorySpans<[HistoryOutcome]> { throw StoreError(.gone, directory) }
}

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

/// A key of readings in the history.
package struct HistoryKey: Hashable, Sendable {
  package var key: String
  /// A symbol; `nil` for words and counts.
  package var unit: String?
  /// Words otherwise, which have no curve.
  package var isNumber: Bool
}

/// An answer by spans of time.
package struct HistorySpans<Content: Equatable & Sendable>: Equatable, Sendable {
  package var content: Content
  /// Of one span.
  package var width: Duration
  /// Neighbours that are further apart than this have a gap between them: no line belongs there.
  package var gap: Duration
}

/// One key's curve.
package struct HistoryCurve: Equatable, Sendable {
  package var key: HistoryKey
  /// By time.
  package var points: [HistoryPoint]
}

/// The readings of one span.
package struct HistoryPoint: Equatable, Sendable {
  /// Of its first reading; where the span is made of quarters of an hour, the first one's beginning.
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
