import Policy
import Readings

/// What the polls of one module tell of its devices.
struct DeviceFindings {
  var heard: [SeenDevice] = []
  /// The addresses that bluetoothd had a link to.
  var links: [Address] = []
  /// Programs that may have connected them, for people; `nil`: the bus does not tell.
  var followers: [String]?

  /// - Parameter left: why its link could not be freed, where that was needed.
  func findings(of module: ModuleConfig, _ outcome: PollOutcome, left: FailureReport?) -> [Finding] {
    var first: [Failure: String] = [:]
    return module.devices.map { device in
      switch outcome.answers[device.name] {
      case .readings(let readings):
        if let left { return .fault(.device, left, device: device.name, address: device.address) }
        return .ok(.device, Self.text(readings, outcome), device: device.name)
      case .failed(let report):
        // What keeps one from answering keeps all that stand behind its module: one root is told once.
        if let other = first[report.failure] {
          return .skipped(.device, "As \(other), behind the same module.", device: device.name, obstacle: .device)
        }
        first[report.failure] = device.name
        return fault(of: device.name, at: device.address, report)
      case nil: return .unknown(.device, "It was not polled.", device: device.name)
      }
    }
  }

  private static func text(_ readings: DeviceReadings, _ outcome: PollOutcome) -> String {
    let time = outcome.done?.connectMs.map { ", connected within \($0) ms" } ?? ""
    return "\(readings.model ?? readings.profile) answers: \(readings.readings.count) readings\(time)."
  }

  /// What a failed poll means beside what was heard.
  func fault(of device: String, at address: Address, _ report: FailureReport) -> Finding {
    switch report.failure {
    case .busy:
      var finding = Finding.fault(.device, report, device: device, address: address)
      finding.advice = "\(holder(of: address)) \(finding.advice ?? "")"
      return finding
    case .notSeen, .connectTimeout:
      guard let signal = heard.first(where: { $0.address == address }) else {
        let others = heard.isEmpty ? "" : ", while \(heard.count) other\(heard.count == 1 ? " was" : "s were")"
        return .fault(
          .device, FailureReport(.notSeen, at: report.stage, "\(address) was not heard\(others). \(report.message)"),
          device: device, address: address)
      }
      var heard = report
      heard.message = "It was heard\(signal.rssi.map { " at \($0) dBm" } ?? ""), but: \(report.message)"
      return .fault(.device, heard, device: device, address: address)
    default: return .fault(.device, report, device: device, address: address)
    }
  }

  private func holder(of address: Address) -> String {
    guard links.contains(address) else { return "When it was asked, bluetoothd had no link to it." }
    guard let followers else {
      return "Who has it the bus does not tell this user: `sudo blupow doctor` may name those who can."
    }
    guard !followers.isEmpty else {
      return
        "Nobody else on the bus works with bluetoothd: a program that has ended left it, or one has a link of the kernel's own."
    }
    return "Of the programs on the bus these work with bluetoothd: \(followers.joined(separator: ", "))."
  }
}
