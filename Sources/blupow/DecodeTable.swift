import Devices
import Publishers
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
    var lines = [title.joined(separator: " · ")]
    lines += FleetTable.lines(
      decoding.readings, of: device.profile ?? "", rawSign: decoding.rawSign, derived: decoding.derived)
    if !decoding.implausible.isEmpty {
      lines.append("  not shown, because it cannot be: \(decoding.implausible.sorted().joined(separator: ", "))")
    }
    for day in decoding.days {
      let values = day.readings.sorted { $0.key < $1.key }.map { key, reading in
        "\(key) \(text(reading))"
      }
      lines.append("  \(day.daysAgo) days ago: \(values.joined(separator: ", "))")
    }
    return lines.map { Printable.text($0, maxBytes: 2000) }.joined(separator: "\n")
  }

  private static func text(_ reading: Reading) -> String {
    let value =
      switch reading.value {
      case .text(let text): text
      case .number(let number): number == number.rounded() ? "\(Int(number))" : "\(number)"
      }
    return reading.unit.map { "\(value) \($0)" } ?? value
  }
}
