package import Policy
import Readings

/// A fleet on one screen: a line a device, then what is wrong and what to do.
package struct FleetOverview {
  private let status: FleetStatus
  private let hasColours: Bool

  /// - Parameter colours: of the status word, for a terminal.
  package init(_ status: FleetStatus, colours: Bool = false) {
    self.status = status
    hasColours = colours
  }

  package var text: String {
    ([table] + problems + failures).joined(separator: "\n")
  }

  // MARK: The table

  private struct Column: Sendable {
    var title: String
    var isNumber = false
    var text: @Sendable (DeviceStatus) -> String
  }

  private static let statusColumn = 1
  private static let columns = [
    Column(title: "DEVICE") { name($0) },
    Column(title: "STATUS") { $0.status.rawValue },
    Column(title: "AGE", isNumber: true) { $0.age.map(FleetTable.ageText) ?? "-" },
    Column(title: "FAILURES", isNumber: true) { "\($0.consecutiveFailures)" },
    Column(title: "SUCCESS", isNumber: true) { $0.successRate.map { "\(Int(($0 * 100).rounded())) %" } ?? "-" },
    Column(title: "POLL", isNumber: true) { $0.pollMs.map { "\($0) ms" } ?? "-" },
    Column(title: "DEADLINE", isNumber: true) { $0.deadline.shortSeconds },
    Column(title: "LINK") { $0.link?.rawValue ?? "-" },
    Column(title: "LAST FAILURE") { $0.failure?.failure.rawValue ?? "-" },
    Column(title: "") { marks($0) },
  ]

  private var table: String {
    let rows = [Self.columns.map(\.title)] + status.devices.map { device in Self.columns.map { $0.text(device) } }
    let widths = Self.columns.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let lines = rows.enumerated().map { number, row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        if Self.columns[column].isNumber { return space + cell }
        let isColoured = hasColours && column == Self.statusColumn && number > 0
        return (isColoured ? Self.coloured(cell, status.devices[number - 1].status) : cell) + space
      }
      return cells.joined(separator: "  ").trimmingEnd
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A configuration may call a device anything.
  private static func name(_ device: DeviceStatus) -> String { Printable.text(device.name, maxBytes: Wire.maxNameBytes) }

  private static func marks(_ device: DeviceStatus) -> String {
    var marks: [String] = []
    if device.testMode { marks.append("SIMULATED") }
    if !device.readings.isEmpty, device.status == .disconnected { marks.append("STALE") }
    return marks.joined(separator: " ")
  }

  private static func coloured(_ text: String, _ status: Freshness.Status) -> String {
    let colour =
      switch status {
      case .connected: 32
      case .offline: 33
      case .disconnected: 31
      }
    return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
  }

  // MARK: What is wrong

  private var problems: [String] {
    status.problems.map { problem in
      """
      \(problem.subject): \(problem.name.rawValue): \(Printable.text(problem.message, maxBytes: 4000))
        \(Printable.text(problem.advice, maxBytes: 4000))

      """
    }
  }

  private var failures: [String] {
    status.devices.compactMap { device in
      device.failure.map { failure in
        """
        \(Self.name(device)): \(failure.failure.rawValue) at \(failure.stage.rawValue): \(failure.message)
          \(failure.failure.advice)

        """
      }
    }
  }
}

extension String {
  fileprivate var trimmingEnd: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
