import Readings

/// What is not in the file yet, or may still grow there, by the rows that it makes. Decides which polls share a row; knows no disk, and
/// has its clock told.
package struct HistoryTail {
  /// Polls that wait for a disk: some hours of five devices.
  package static let maxPolls = 2000
  /// A clock that is further off than this from where a row has it was set; less is how clocks are kept right.
  static let tolerance = Duration.seconds(1)

  package struct Row: Equatable, Sendable {
    /// Known before it is written: written twice, it is there once.
    var id: Int64
    var device: HistoryEntry.Device
    /// Milliseconds since 1970.
    var start: Int64
    /// Whether the kernel said that the clock was right when the row was begun.
    var isTrusted: Bool
    /// It may still grow.
    var isOpen = true
    var entries: [HistoryEntry]
    /// How many of them are in the file.
    var saved = 0
    var unsaved: Int { entries.count - saved }
    package var needsSave: Bool { unsaved > 0 || !isOpen }

    /// Milliseconds since the row's beginning.
    func offset(of entry: HistoryEntry) -> Int64 { max(0, entries.first.map { (entry.at - $0.at).milliseconds } ?? 0) }
  }

  package private(set) var rows: [Row] = []
  /// Polls that had to be dropped.
  private(set) var dropped = 0
  private var nextID: Int64 = 1
  private var hasBegun = false

  package init() {}

  /// Rows are numbered from here on. Those that were made before there was a file move behind its last: their numbers are taken there.
  package mutating func begin(at id: Int64) {
    if !hasBegun {
      for index in rows.indices { rows[index].id += id - 1 }
      nextID += id - 1
    }
    hasBegun = true
    nextID = max(nextID, id)
  }

  /// What has come since the last time.
  ///
  /// - Parameter lost: what did not even get here.
  package mutating func take(_ entries: [HistoryEntry], _ clock: HistoryClock, dropped lost: Int = 0) {
    dropped += lost
    for entry in entries {
      let wall = clock.wallMs(of: entry.at)
      if let index = rows.lastIndex(where: { $0.device == entry.device && $0.isOpen }) {
        if rows[index].holds(entry, at: wall, clock) {
          rows[index].entries.append(entry)
          continue
        }
        rows[index].isOpen = false
      }
      rows.append(Row(id: nextID, device: entry.device, start: wall, isTrusted: clock.isSynchronised, entries: [entry]))
      nextID += 1
    }
    for index in rows.indices where rows[index].isOver(at: clock) { rows[index].isOpen = false }
    var unsaved = rows.reduce(0) { $0 + $1.unsaved }
    while unsaved > Self.maxPolls, let oldest = rows.firstIndex(where: { $0.unsaved > 0 }) {
      let lost = rows[oldest].unsaved
      if rows[oldest].saved > 0 {
        // What is in the file of it belongs to its quarter: it is closed there.
        rows[oldest].entries.removeLast(lost)
        rows[oldest].isOpen = false
      } else {
        rows.remove(at: oldest)
      }
      dropped += lost
      unsaved -= lost
    }
  }

  /// Nothing will be added to any row.
  package mutating func close() {
    for index in rows.indices { rows[index].isOpen = false }
  }

  /// All that needed it has been saved.
  package mutating func noteSaved() {
    rows.removeAll { !$0.isOpen }
    for index in rows.indices { rows[index].saved = rows[index].entries.count }
  }

  /// How many were dropped, told once.
  mutating func takeDropped() -> Int {
    defer { dropped = 0 }
    return dropped
  }
}

extension HistoryTail.Row {
  fileprivate func holds(_ entry: HistoryEntry, at wall: Int64, _ clock: HistoryClock) -> Bool {
    let own = start + offset(of: entry)
    return abs(own - wall) <= HistoryTail.tolerance.milliseconds && isTrusted == clock.isSynchronised
      && HistoryQuarter.begin(of: own) == HistoryQuarter.begin(of: start) && entries.count < HistoryChunk.maxPolls
  }

  /// Its quarter is over, or the clock was set.
  fileprivate func isOver(at clock: HistoryClock) -> Bool {
    guard let first = entries.first else { return true }
    let isSet = abs(clock.wallMs(of: first.at) - start) > HistoryTail.tolerance.milliseconds
    return isSet || HistoryQuarter.begin(of: clock.wallMs) != HistoryQuarter.begin(of: start)
  }
}
