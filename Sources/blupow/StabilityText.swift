import Policy
import Readings

/// A stability test's report for a person.
enum StabilityText {
  static func text(of document: StabilityDocument) -> String {
    let end = document.isPassed ? "passed" : "not passed"
    let parts = document.devices.map(section)
    // One device's own first line says it.
    return (parts.count == 1 && document.devices[0].isPassed == document.isPassed ? parts : parts + ["All in all: \(end)\n"])
      .map { "\n\($0)" }.joined().trimmingNewline
  }

  static func section(_ report: StabilityReport) -> String {
    let name = Printable.text(report.name, maxBytes: Wire.maxNameBytes)
    let verdict = report.verdict.map { "\($0.rawValue), " } ?? ""
    let by = report.poller == .service ? "the running service" : "this command"
    var lines = ["\(name): \(verdict)\(report.isPassed ? "passed" : "not passed")"]
    if !report.runs.isEmpty {
      // Rounded down: 99.95 % are not all.
      let percent = Double(report.successCount * 1000 / report.runs.count) / 10
      lines.append("  polls     \(report.successCount) of \(report.runs.count) succeeded (\(percent) %), made by \(by)")
    }
    if let connect = report.connect { lines.append("  connect   \(text(connect))") }
    if let poll = report.poll { lines.append("  poll      \(text(poll))") }
    if !report.failures.isEmpty {
      let counts = report.failures.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
      lines.append("  failures  \(counts.map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", "))")
    }
    lines.append("  trend     \(trend(report))")
    lines.append("  left      \(left(report.leaks))")
    lines += report.faults.map { "  ! \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func text(_ spread: Spread) -> String {
    "mean \(seconds(spread.mean)), p50 \(seconds(spread.p50)), p95 \(seconds(spread.p95))"
  }

  private static func trend(_ report: StabilityReport) -> String {
    guard let trend = report.trend else { return "unknown, of less than \(Trend.leastPoints) successes" }
    let rise = "\(trend.rise < 0 ? "-" : "+")\(seconds(trend.rise.magnitude)) over the test"
    return "\(report.isRising ? "rising" : "none") (\(rise), Mann-Kendall z \((trend.z * 100).rounded() / 100))"
  }

  private static func left(_ leaks: StabilityReport.Leaks) -> String {
    func text(_ count: Int?, _ one: String, _ many: String) -> String {
      count.map { "\($0) \($0 == 1 ? one : many)" } ?? "\(many) unknown"
    }
    return [
      text(leaks.processes, "process", "processes"), text(leaks.descriptors, "descriptor", "descriptors"),
      text(leaks.links, "link", "links"),
    ].joined(separator: ", ")
  }

  private static func seconds(_ milliseconds: Double) -> String { time(Int64(milliseconds.rounded())) }

  /// `412 ms`, `2.9 s`
  static func time(_ milliseconds: Int64) -> String {
    milliseconds < 1000 ? "\(milliseconds) ms" : Duration.milliseconds(milliseconds).shortSeconds
  }
}

extension String {
  fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
