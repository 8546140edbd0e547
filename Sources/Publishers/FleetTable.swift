import Devices
package import Policy
package import Readings

/// A fleet's readings for a person's terminal.
package struct FleetTable {
  package var status: FleetStatus

  package init(_ status: FleetStatus) { self.status = status }

  package var text: String { status.devices.map(Self.section).joined(separator: "\n") }

  /// One device: what it is and how fresh, its values by the order of its page, and what went wrong.
  package static func section(_ device: DeviceStatus) -> String {
    var lines = [title(device)]
    lines += Self.lines(device.readings, of: device.profile, rawSign: device.rawSign, derived: device.derived)
    if !device.implausible.isEmpty {
      lines.append("  not shown, because it cannot be: \(device.implausible.sorted().joined(separator: ", "))")
    }
    if let failure = device.failure {
      lines.append("  \(failure.failure.rawValue) at \(failure.stage.rawValue): \(failure.message)")
      lines.append("  \(failure.failure.advice)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A line for each value, by the order of its profile's page.
  package static func lines(
    _ readings: [String: Reading], of profile: String, rawSign: [String], derived: [String]
  ) -> [String] {
    guard let profile = Profile.named(profile) else { return [] }
    let rows = profile.keys.compactMap { field in
      readings[field.key].map { reading in
        Row(
          name: field.name, value: text(reading, decimals: field.decimals), unit: reading.unit,
          note: note(field.key, rawSign: rawSign, derived: derived))
      }
    }
    let nameWidth = rows.map(\.name.count).max() ?? 0
    let valueWidth = rows.map(\.value.count).max() ?? 0
    return rows.map { row in
      let name = row.name + String(repeating: " ", count: nameWidth - row.name.count)
      let value = String(repeating: " ", count: valueWidth - row.value.count) + row.value
      return "  \(name)  \(value)\(row.unit.map { " \($0)" } ?? "")\(row.note)"
    }
  }

  static func title(_ device: DeviceStatus) -> String {
    var parts = ["\(device.name): \(device.status.rawValue)"]
    if let age = device.age { parts.append("read \(ageText(age)) ago") }
    if device.readings.isEmpty { parts.append("no readings") }
    if !device.readings.isEmpty, device.status == .disconnected { parts.append("STALE") }
    if device.testMode { parts.append("SIMULATED") }
    let guess = device.confidence == .guess ? " (\(device.profile) is a guess)" : ""
    parts.append("\(device.model ?? device.profile)\(guess) at \(device.address)")
    return parts.joined(separator: " · ")
  }

  private struct Row {
    var name: String
    var value: String
    var unit: String?
    var note: String
  }

  private static func note(_ key: String, rawSign: [String], derived: [String]) -> String {
    if rawSign.contains(key) { return "  (sign as the register has it)" }
    return derived.contains(key) ? "  (computed)" : ""
  }

  static func text(_ reading: Reading, decimals: Int) -> String {
    switch reading.value {
    case .text(let text): text
    case .number(let number): fixed(number, decimals: decimals)
    }
  }

  /// With the register's digits, all of them: 17.00 A was measured to the hundredth.
  package static func fixed(_ number: Double, decimals: Int) -> String {
    guard number.magnitude <= Wire.maxMagnitude else { return "\(number)" }
    let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
    let whole = Int((number.magnitude * Double(scale)).rounded())
    let sign = number < 0 && whole != 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(whole)" }
    let fraction = String(whole % scale)
    return "\(sign)\(whole / scale).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
  }

  static func ageText(_ age: Duration) -> String {
    switch age {
    case ..<Duration.seconds(100): age.shortSeconds
    case ..<Duration.seconds(6000): "\(age.milliseconds / 60_000) min"
    default: "\(age.milliseconds / 3_600_000) h"
    }
  }
}
