package import FoundationEssentials

/// The last events. Failures and problems are kept apart from the rest, so that what went wrong is still there when all has gone well
/// for long; and failures that are alike and in a row are one event, so that a module that is away does not push out what else there was.
package struct EventLog: Equatable, Sendable {
  /// Of each of the two sorts.
  package static let kept = 100

  /// By its number, which says what came first; numbers go on over restarts.
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

  /// Oldest first.
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

  private mutating func noteFailure(_ event: FleetEvent, of device: String) {
    let row = rows[device]
    if let row, var last = entries[row.number], (last.name, last.stage) == (event.name, event.stage) {
      (last.message, last.lastAt, last.count) = (event.message, event.at, last.count + 1)
      entries[row.number] = last
      rows[device] = (row.number, row.failures + 1)
      return
    }
    rows[device] = (next, (row?.failures ?? 0) + 1)
    append(event)
  }

  private mutating func append(_ event: FleetEvent) {
    entries[next] = event
    next += 1
    trim()
  }

  private mutating func trim() {
    for isTrouble in [true, false] {
      let numbers = entries.filter { $0.value.kind.isTrouble == isTrouble }.keys.sorted()
      for number in numbers.dropLast(Self.kept) { entries[number] = nil }
    }
  }
}
