package import Policy
import Readings

/// The line of a monitoring plugin (https://www.monitoring-plugins.org/doc/guidelines.html): a state, what is to be said of it, and behind
/// a `|` the measures.
package enum HealthLine {
  /// More would not be read.
  static let maxNamed = 5

  /// - Parameter verdict: of that fleet, by those thresholds.
  package static func text(_ fleet: FleetStatus, _ verdict: HealthVerdict, _ thresholds: HealthThresholds) -> String {
    let count = "\(fleet.devices.count) device\(fleet.devices.count == 1 ? "" : "s")"
    var sentence = "\(count): \(summary(fleet, verdict))"
    if !fleet.problems.isEmpty {
      sentence += "; problems: \(Set(fleet.problems.map(\.name.rawValue)).sorted().joined(separator: ", "))"
    }
    return "\(text(verdict.state, sentence)) | \(measures(fleet, thresholds))"
  }

  /// Where there are no measures.
  package static func text(_ state: HealthVerdict.State, _ sentence: String) -> String {
    "BLUPOW \(word(state)) - \(clean(sentence, maxBytes: 4000))"
  }

  private static func word(_ state: HealthVerdict.State) -> String {
    switch state {
    case .ok: "OK"
    case .warning: "WARNING"
    case .critical: "CRITICAL"
    case .unknown: "UNKNOWN"
    }
  }

  // MARK: For people

  /// The worst first.
  private static func summary(_ fleet: FleetStatus, _ verdict: HealthVerdict) -> String {
    let judged = zip(fleet.devices, verdict.devices)
    let bad = judged.filter { !$1.findings.isEmpty }.sorted { $0.1.state > $1.1.state }
    var parts = bad.prefix(maxNamed).map { text($0, $1.findings) }
    if bad.count > maxNamed { parts.append("\(bad.count - maxNamed) more") }
    let starting = verdict.devices.count(where: \.isStarting)
    if starting > 0 {
      let who = starting == verdict.devices.count ? "" : "\(starting) "
      parts.append("\(who)starting, the service is \(FleetTable.ageText(fleet.uptime)) old")
    }
    if bad.isEmpty, starting < verdict.devices.count {
      parts.append(starting == 0 ? "all connected" : "the others connected")
    }
    return parts.joined(separator: "; ")
  }

  private static func text(_ device: DeviceStatus, _ findings: [HealthVerdict.Finding]) -> String {
    let words = findings.map { finding in
      switch finding {
      case .unavailable: "unavailable\(device.age.map { ", read \(FleetTable.ageText($0)) ago" } ?? "")"
      case .notLive(let status): "\(status.rawValue)\(device.age.map { ", read \(FleetTable.ageText($0)) ago" } ?? "")"
      case .failures(let count, _): "\(count) failure\(count == 1 ? "" : "s") in a row"
      // Rounded down: what is below a threshold shall not look as if it were not.
      case .successRate(let rate): "\(Double(Int((rate * 10_000).rounded()) / 10) / 10) % of its polls succeeded"
      }
    }
    let why = device.failure.map { " (\($0.failure.rawValue))" } ?? ""
    return "\(clean(device.name)) \(words.joined(separator: ", "))\(why)"
  }

  /// `|` ends what is for people.
  private static func clean(_ text: String, maxBytes: Int = Wire.maxNameBytes) -> String {
    Printable.text(text, maxBytes: maxBytes).replacing("|", with: "/")
  }

  // MARK: For programs

  private static func measures(_ fleet: FleetStatus, _ thresholds: HealthThresholds) -> String {
    let own = [
      measure("devices", fleet.devices.count, least: 0),
      measure("devices_available", fleet.devices.count(where: \.available), least: 0),
      measure("uptime_s", fleet.uptime.seconds.rounded(), unit: "s", least: 0),
    ]
    return (own + fleet.devices.flatMap { measures($0, thresholds) }).joined(separator: " ")
  }

  /// All of them, always: there are graphs that tell them by their places. What nobody knows is `U`.
  private static func measures(_ device: DeviceStatus, _ thresholds: HealthThresholds) -> [String] {
    func name(_ measure: String) -> String { "\(device.name) \(measure)" }
    func percent(_ share: Double?) -> Double? { share.map { ($0 * 10_000).rounded() / 100 } }
    return [
      measure(
        name("success_rate"), percent(device.successRate), unit: "%",
        warning: "\(number((thresholds.successRate * 1_000_000).rounded() / 10_000)):",
        least: 0,
        most: 100),
      measure(name("availability"), percent(device.availability), unit: "%", least: 0, most: 100),
      measure(
        name("consecutive_failures"), device.consecutiveFailures, warning: "\(thresholds.warningFailures - 1)",
        critical: "\(thresholds.criticalFailures - 1)", least: 0),
      measure(name("age_s"), device.age.map { ($0.seconds * 10).rounded() / 10 }, unit: "s", least: 0),
      measure(name("connect_ms"), device.connectMs, unit: "ms", least: 0),
      measure(name("connect_ms_mean"), device.connectMsMean.map { ($0 * 10).rounded() / 10 }, unit: "ms", least: 0),
      measure(name("poll_ms"), device.pollMs, unit: "ms", least: 0),
      measure(name("deadline_s"), device.deadline.seconds, unit: "s", least: 0),
      measure(name("rssi"), device.rssi),
    ]
  }

  /// `'label'=value[unit];[warning];[critical];[least];[most]`
  private static func measure(
    _ label: String, _ value: Double?, unit: String = "", warning: String = "", critical: String = "", least: Int? = nil,
    most: Int? = nil
  ) -> String {
    // A quote within quotes is doubled; an equals sign cannot be within a label at all.
    let label = clean(label, maxBytes: 200).replacing("'", with: "''").replacing("=", with: "_")
    guard let value, value.isFinite else { return "'\(label)'=U" }
    var fields = [
      "'\(label)'=\(number(value))\(unit)", warning, critical, least.map { "\($0)" } ?? "", most.map { "\($0)" } ?? "",
    ]
    while fields.last?.isEmpty == true { fields.removeLast() }
    return fields.joined(separator: ";")
  }

  private static func measure(
    _ label: String, _ value: (some BinaryInteger)?, unit: String = "", warning: String = "", critical: String = "",
    least: Int? = nil, most: Int? = nil
  ) -> String {
    measure(label, value.map { Double($0) }, unit: unit, warning: warning, critical: critical, least: least, most: most)
  }

  /// Without the `.0` of a whole number.
  private static func number(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
  }
}
