package import Readings

/// Counters of a lifetime that fall: each is held against the last value that was accepted of it. One that is lower is withheld, until
/// the third poll in a row has said so: then the device was exchanged, or made to forget.
package struct CounterCheck: Equatable, Sendable {
  /// Polls in a row with lower values, that do not fall among themselves, which make a reset of it. One such value may be a bad
  /// moment of the device; it does not count on by itself for three polls.
  package static let believedAfter = 3

  private struct Counter: Equatable {
    var accepted: Double
    var lower: Lower?
  }

  /// Values in a row that were lower.
  private struct Lower: Equatable {
    var latest: Double
    var count: Int
  }

  private var counters: [String: Counter] = [:]

  package init() {}

  /// The readings without counters that have fallen: those are listed as implausible. A counter that is not among the readings is
  /// neither confirmed nor refuted.
  package mutating func pass(_ readings: DeviceReadings) -> DeviceReadings {
    var passed = readings
    for key in Set(readings.counters).sorted() {
      guard case .number(let value) = readings.readings[key]?.value, !accepts(value, of: key) else { continue }
      passed.readings[key] = nil
      passed.derived.removeAll { $0 == key }
      passed.rawSign.removeAll { $0 == key }
      if !passed.implausible.contains(key) { passed.implausible.append(key) }
    }
    return passed
  }

  private mutating func accepts(_ value: Double, of key: String) -> Bool {
    guard var counter = counters[key] else {
      if counters.count < Wire.maxReadings { counters[key] = Counter(accepted: value) }
      return true
    }
    defer { counters[key] = counter }
    guard value < counter.accepted else {
      counter = Counter(accepted: value)
      return true
    }
    let count = counter.lower.map { value >= $0.latest ? $0.count + 1 : 1 } ?? 1
    guard count >= Self.believedAfter else {
      counter.lower = Lower(latest: value, count: count)
      return false
    }
    counter = Counter(accepted: value)
    return true
  }
}

extension CounterCheck {
  /// The last accepted value of each counter. A row of lower ones begins anew.
  package var accepted: [String: Double] { counters.mapValues(\.accepted) }

  /// As an earlier process left it. What no reading could be is none.
  package init(accepted: [String: Double]) {
    for (key, value) in accepted.sorted(by: { $0.key < $1.key })
    where counters.count < Wire.maxReadings && key.utf8.count <= Wire.maxNameBytes && value.magnitude <= Wire.maxMagnitude {
      counters[key] = Counter(accepted: value)
    }
  }
}
