import Devices
import Readings

/// A decoded transcript for a person's terminal.
struct DecodeTable {
  var report: TranscriptReport

  init(_ report: TranscriptReport) { self.report = report }

  var text: String { report.devices.map(Self.section).joined(separator: "\n") }

  /// What is no reading, a line each.
  var remarks: [String] {
    var lines = report.refused.map { "line \($0.line): refused, \($0.fault): \($0.message)" }
    lines += report.exceptions.map {
      "line \($0.line): unit \($0.unit) refuses registers \($0.register)/\($0.words) with Modbus exception \($0.code)"
    }
    lines += report.unanswered.map { "line \($0.line): no answer of unit \($0.unit) to registers \($0.register)/\($0.words)" }
    lines += report.notices
    lines.append("\(report.good) valid replies, \(report.refused.count) refused")
    return lines.map { Printable.text($0, maxBytes: 400) }
  }

  private static func section(_ device: TranscriptReport.Device) -> String {
    let decoding = device.decoding
    var title = ["unit \(device.unit): \(device.profile ?? "no known profile; --profile names one")"]
    if let confidence = device.confidence { title.append("told by \(confidence.rawValue)") }
    if let model = decoding.model { title.append(model) }
    let fields = device.profile.flatMap(Profile.named)?.fields ?? []
    var shown: Set<String> = []
    let rows = fields.compactMap { field -> (String, String)? in
      guard let reading = decoding.readings[field.key], shown.insert(field.key).inserted else { return nil }
      let note =
        decoding.rawSign.contains(field.key)
        ? "  (sign as the register has it)" : decoding.derived.contains(field.key) ? "  (computed)" : ""
      return (field.name, "\(value(reading, field.coding.decimals))\(reading.unit.map { " \($0)" } ?? "")\(note)")
    }
    var lines = [title.joined(separator: " · ")]
    let width = rows.map(\.0.count).max() ?? 0
    lines += rows.map { "  \($0.0.padded(to: width))  \($0.1)" }
    if !decoding.implausible.isEmpty {
      lines.append("  not shown, because it cannot be: \(decoding.implausible.sorted().joined(separator: ", "))")
    }
    for day in decoding.days {
      let values = day.readings.sorted { $0.key < $1.key }.map { key, reading in
        "\(key) \(value(reading, nil))\(reading.unit.map { " \($0)" } ?? "")"
      }
      lines.append("  \(day.daysAgo) days ago: \(values.joined(separator: ", "))")
    }
    return lines.map { Printable.text($0, maxBytes: 2000) }.joined(separator: "\n")
  }

  private static func value(_ reading: Reading, _ decimals: Int?) -> String {
    switch reading.value {
    case .text(let text): return text
    case .number(let number):
      guard let decimals else { return number == number.rounded() ? "\(Int(number))" : "\(number)" }
      // With the register's own digits.
      let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
      let whole = Int((number.magnitude * Double(scale)).rounded())
      let sign = number < 0 && whole != 0 ? "-" : ""
      guard decimals > 0 else { return "\(sign)\(whole)" }
      let fraction = String(whole % scale)
      return "\(sign)\(whole / scale).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }
  }
}
