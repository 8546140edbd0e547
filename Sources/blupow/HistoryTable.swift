import Foundation
import Policy
import Publishers
import Readings
import Store

/// One device's history for a person's terminal: a line for each of some spans, with the means of what is most asked for.
struct HistoryTable {
  private static let rows = 24
  private static let columns = 6
  /// Behind a key's name.
  private static let derived = "*"
  private static let rawSign = "±"
  /// What is shown where a device has it; the first of these.
  private static let keys = [
    "battery_soc", "battery_percentage", "battery_voltage", "battery_current", "battery_power", "solar_power", "load_power",
    "load_active_power", "charging_power", "alternator_power", "input_voltage", "output_voltage", "temperature",
    "controller_temperature", "battery_temperature",
  ]

  private let device: HistoryDevice
  private let curves: [HistoryCurve]
  private let outcomes: HistorySpans<[HistoryOutcome]>

  init(_ device: HistoryDevice, _ reader: HistoryReader, from: Date, to: Date) throws(StoreError) {
    self.device = device
    let numbers = device.keys.filter(\.isNumber).map(\.key)
    let known = Self.keys.filter(numbers.contains)
    let chosen = Array((known + numbers.filter { !known.contains($0) }).prefix(Self.columns))
    let curves = try reader.series(device: device.id, keys: chosen, from: from, to: to, points: Self.rows).content
    self.curves = Array(chosen.flatMap { key in curves.filter { $0.key.key == key } }.prefix(Self.columns))
    outcomes = try reader.outcomes(device: device.id, from: from, to: to, points: Self.rows)
  }

  var text: String {
    let title = Printable.text(
      "\(device.name)\(device.isSimulated ? " · SIMULATED" : "") at \(device.address)", maxBytes: Wire.maxNameBytes + 100)
    guard !outcomes.content.isEmpty else { return "\(title)\n  no polls in that time\n" }
    let names = ["time", "polls"] + curves.map { Self.title($0.key) }
    let rows = outcomes.content.indices.map(row)
    let widths = names.indices.map { column in ([names] + rows).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = zip(cells, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
      return "  " + padded.joined(separator: "  ")
    }
    var lines = [title, line(names)]
    for (index, row) in rows.enumerated() {
      if index > 0 {
        let (before, time) = (outcomes.content[index - 1].time, outcomes.content[index].time)
        if !outcomes.joins(before, time) { lines.append("  (no polls until)") }
      }
      lines.append(line(row))
    }
    if curves.contains(where: \.key.isDerived) { lines.append("  \(Self.derived) computed from others of the same poll") }
    if curves.contains(where: \.key.isRawSign) {
      lines.append("  \(Self.rawSign) sign as the register has it: this model's convention is not known")
    }
    if !failures.isEmpty { lines.append("  failed: \(failures)") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func title(_ key: HistoryKey) -> String {
    Printable.text("\(key.key)\(key.unit.map { " \($0)" } ?? "")", maxBytes: 200)
      + "\(key.isDerived ? derived : "")\(key.isRawSign ? rawSign : "")"
  }

  /// The fewest that are exact for the lowest and the highest of each span.
  private static func decimals(of curve: HistoryCurve) -> Int {
    let numbers = curve.points.flatMap { [$0.min, $0.max] }
    return (0...3).first { digits in
      let scale = pow(10, Double(digits))
      return numbers.allSatisfy { ($0 * scale).rounded() / scale == $0 }
    } ?? 3
  }

  private func row(_ index: Int) -> [String] {
    let outcome = outcomes.content[index]
    let next = index + 1 < outcomes.content.count ? outcomes.content[index + 1].time : Date.distantFuture
    let failed = outcome.failed.values.reduce(0, +)
    let moment = outcome.time.rfc3339
    // Spans may be of seconds.
    let time = moment.dropFirst(11).prefix(outcomes.width < .seconds(60) ? 8 : 5)
    return ["\(moment.prefix(10)) \(time)Z", "\(outcome.good)/\(outcome.good + failed)"]
      + curves.map { curve in
        curve.points.first { $0.time >= outcome.time && $0.time < next }
          .map { FleetTable.fixed($0.mean, decimals: Self.decimals(of: curve)) } ?? "-"
      }
  }

  /// "connect_timeout 3, silent 1", the most first.
  private var failures: String {
    let all = outcomes.content.reduce(into: [String: Int]()) { $0.merge($1.failed) { $0 + $1 } }
    return all.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\(Printable.text($0.key, maxBytes: 64)) \($0.value)" }
      .joined(separator: ", ")
  }
}
