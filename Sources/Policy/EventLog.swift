package import FoundationEssentials

/// The last events. Failures and problems are kept apart from the rest, so that what went wrong is still there when all has gone well
/// for long; failures that are alike and in a row are one event; and who has the most events loses the oldest of them, so that nobody
/// pushes out what happened to others.
package struct EventLog: Equatable, Sendable {
  /// Of each of the two sorts.
  package static let kept = 100

  /// By its number, which says what was last seen first; numbers go on over restarts.
  private var entries: [Int: FleetEvent] = [:]
  private var next = 1
  /// Of each device, its failures that are in a row: the number of the last event, and how many there were of all classes.
  private var rows: [String: (number: Int, failures: Int)] = [:]

  package init() {}

  /// - Parameter kept: as an earlier process left them. What was in a row then is so no more: nobody knows what was between.
  package init(kept entries: [Int: FleetEvent]) {
    self.entries = entries.filter { (1..<Int.max / 2).contains($0.key) }
    next = (self.entries.keys.max() ?? 0) + 1
    trim()
  }

  package static func == (one: EventLog, other: EventLog) -> Bool { one.entries == other.entries }

  /// In the order in which they were last seen.
  package var all: [FleetEvent] { numbered.map(\.event) }

  package var numbered: [(number: Int, event: FleetEvent)] {
    entries.sorted { $0.key < $1.key }.map { (number: $0.key, event: $0.value) }
  }

  package mutating func note(_ event: FleetEvent) {
    if event.kind == .failed, let device = event.device { return noteFailure(event, of: device) }
    append(event)
  }

  /// A device was read: said where it was not before.
  package mutating func noteSuccess(of device: DeviceConfig, at: Date) {
    guard let row = rows.removeValue(forKey: device.name) else { return }
    append(
      FleetEvent(
        .recovered, device: device.name, address: device.address,
        message: "read again, after \(row.failures) failure\(row.failures == 1 ? "" : "s") in a row", at: at))
  }

  /// Of a device that is no longer configured, or is another one now: what it does next has nothing to do with what it did.
  package mutating func endRow(of device: String) { rows[device] = nil }

  private mutating func noteFailure(_ event: FleetEvent, of device: String) {
    let row = rows[device]
    rows[device] = (next, (row?.failures ?? 0) + 1)
    guard let row, var last = entries[row.number], (last.name, last.stage) == (event.name, event.stage) else {
      return append(event)
    }
    (last.message, last.lastAt, last.count) = (event.message, event.at, last.count + 1)
    entries[row.number] = nil
    append(last)
  }

  private mutating func append(_ event: FleetEvent) {
    entries[next] = event
    next += 1
    trim()
  }

  private mutating func trim() {
    for isTrouble in [true, false] {
      let numbers = entries.filter { $0.value.kind.isTrouble == isTrouble }.keys.sorted()
      guard numbers.count > Self.kept else { continue }
      var bySubject = Dictionary(grouping: numbers) { entries[$0]?.subject ?? "" }
      for _ in Self.kept..<numbers.count {
        // Of those with equally many, whose oldest is the oldest.
        let most = bySubject.max { ($0.value.count, -$0.value[0]) < ($1.value.count, -$1.value[0]) }
        guard let (subject, own) = most else { break }
        entries[own[0]] = nil
        bySubject[subject] = own.count > 1 ? Array(own.dropFirst()) : nil
      }
    }
  }
}
