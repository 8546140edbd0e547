package import Readings

/// Counters of a lifetime that do not just count on: each is held against the last value that was accepted of it. One that is lower, or
/// higher than it can have counted since, is withheld until the third poll in a row has said so: then the device was exchanged or made
/// to forget, or nobody has asked it for long. A sum of energy that took one wrong value would be wrong for ever.
package struct CounterCheck: Equatable, Sendable {
  /// Polls in a row, each of which counts on from the one before, that make a new beginning of it. One such value may be a bad
  /// moment of the device; it does not count on by itself for three polls.
  package static let believedAfter = 3

  /// How far it may count from one poll to the next: what 20 kW or 500 A are in a quarter of an hour, where polls come every five minutes
  /// at the longest. What is withheld in error, after a longer silence, is shown two polls later.
  static func longestStep(_ unit: String?) -> Double {
    switch unit {
    case "kWh": 5
    case "Wh": 5000
    case "Ah": 125
    default: 10
    }
  }

  private struct Counter: Equatable {
    var accepted: Double
    var doubt: Doubt?
  }

  /// Values in a row that were not believed.
  private struct Doubt: Equatable {
    var latest: Double
    var count: Int
  }

  private var counters: [String: Counter] = [:]

  package init() {}

  /// The readings without counters that have jumped: those are listed as implausible. A counter that is not among the readings is
  /// neither confirmed nor refuted.
  package mutating func pass(_ readings: DeviceReadings) -> DeviceReadings {
    var passed = readings
    for key in Set(readings.counters).sorted() {
      guard let reading = readings.readings[key], case .number(let value) = reading.value,
        !accepts(value, of: key, step: Self.longestStep(reading.unit))
      else { continue }
      passed.readings[key] = nil
      passed.derived.removeAll { $0 == key }
      passed.rawSign.removeAll { $0 == key }
      if !passed.implausible.contains(key) { passed.implausible.append(key) }
    }
    return passed
  }

  private mutating func accepts(_ value: Double, of key: String, step: Double) -> Bool {
    guard var counter = counters[key] else {
      if counters.count < Wire.maxReadings { counters[key] = Counter(accepted: value) }
      return true
    }
    defer { counters[key] = counter }
    func countsOn(from last: Double) -> Bool { (last...last + step).contains(value) }
    if !countsOn(from: counter.accepted) {
      let count = counter.doubt.map { countsOn(from: $0.latest) ? $0.count + 1 : 1 } ?? 1
      guard count >= Self.believedAfter else {
        counter.doubt = Doubt(latest: value, count: count)
        return false
      }
    }
    counter = Counter(accepted: value)
    return true
  }
}

extension CounterCheck {
  /// The last accepted value of each counter. A row of doubted ones begins anew.
  package var accepted: [String: Double] { counters.mapValues(\.accepted) }

  /// As an earlier process left it. What no reading could be is none.
  package init(accepted: [String: Double]) {
    for (key, value) in accepted.sorted(by: { $0.key < $1.key })
    where counters.count < Wire.maxReadings && key.utf8.count <= Wire.maxNameBytes && value.magnitude <= Wire.maxMagnitude {
      counters[key] = Counter(accepted: value)
    }
  }
}
