import ArgumentParser
import Glibc
import Logging
import Policy
import Readings
import Supervisor

struct ScanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "Renogy modules nearby: address, name, signal, what they are, whether configured.",
    discussion: "Exit code: 0; 75 none seen; 69 no bus, bluetoothd or adapter.")

  @Option(name: .customLong("for"), help: "How long to listen, 1s to 60s.")
  var duration = "10s"

  @Option(help: "The Bluetooth adapter (default: any that is on).")
  var adapter: String?

  @Flag(help: "Everybody, not only Renogy's.")
  var all = false

  @Flag(help: "One JSON document.")
  var json = false

  @Flag(name: .customLong("config"), help: "Print entries for the configuration's `devices`.")
  var asConfig = false

  @Flag(help: "Ask each Renogy module that is not configured who answers behind it: one after the other, up to 45 s each.")
  var identify = false

  func run() async throws {
    guard let time = Duration(text: duration), (Duration.seconds(1)...Duration.seconds(60)).contains(time) else {
      throw ValidationError("--for '\(duration)' is not a duration from 1s to 60s.")
    }
    // Without a configuration nothing is configured; a broken one is `blupow config check`'s to say.
    let known = (try? ConfigFile.loadGateway(ConfigFile.path(nil)))?.devices ?? []
    let configured = Set(known.map(\.address))
    let (adapter, all, asks, log) = (adapter, all, identify, Console.logger(.error))
    let scan = await stoppable { () async -> Result<(heard: Int, entries: [ScanEntry]), FailureReport> in
      do throws(FailureReport) {
        let heard = try await ScanRunner(worker: Sibling.worker, log: log).scan(for: time, adapter: adapter)
        var entries: [ScanEntry] = []
        for device in heard where all || device.isRenogy {
          var entry = ScanEntry(device, isConfigured: configured.contains(device.address))
          if asks, device.isRenogy, !entry.isConfigured, !Task.isCancelled { entry.devices = await Self.identify(device, log) }
          entries.append(entry)
        }
        return .success((heard.count, entries))
      } catch {
        return .failure(error)
      }
    }
    switch scan {
    case nil: throw Console.exit(.tryAgain)
    case .failure(let report):
      Console.complain("\(report.message) \(report.failure.advice)")
      throw Console.exit(report.failure.exitCode)
    case .success(let (heard, entries)):
      try show(entries, heard: heard, takenNames: Set(known.map(\.name)))
      if entries.isEmpty { throw Console.exit(.tryAgain) }
    }
  }

  /// Who answers behind a module; `nil`, and a line that says why, where nobody was to be asked.
  private static func identify(_ device: SeenDevice, _ log: Logger) async -> [Found]? {
    let called = device.name.map { "\(device.address) (\($0))" } ?? device.address.text
    if isatty(STDERR_FILENO) == 1 { Console.complain("asking \(called) who answers behind it") }
    let name = device.name.flatMap { (1...Wire.maxNameBytes).contains($0.utf8.count) ? $0 : nil }
    let answer = await IdentifyRunner(worker: Sibling.worker, log: log).identify(
      Module(address: device.address, adapter: device.adapter, name: name))
    if let failure = answer.failure, failure.failure != .stopped {
      Console.complain("\(called): \(failure.message) \(failure.failure.advice)")
    }
    return answer.found.isEmpty && answer.failure != nil ? nil : answer.found
  }

  private func show(_ entries: [ScanEntry], heard: Int, takenNames: Set<String>) throws {
    if json {
      try Console.json(["devices": entries])
    } else if asConfig {
      for text in ScanEntry.config(of: entries, takenNames: takenNames) { try Console.result(text) }
    } else {
      for entry in entries {
        let name = (entry.name ?? "(no name)").padded(to: 24)
        let signal = entry.rssi.map { "\($0) dBm" } ?? "?"
        let profile = (entry.profile ?? "profile not told by its name").padded(to: 12)
        try Console.result(
          "\(entry.address)  \(name)  \(signal.padded(to: 8))  \(profile)\(entry.isConfigured ? "  configured" : "")")
        for found in entry.devices ?? [] { try Console.result("  \(ScanEntry.text(of: found))") }
      }
    }
    if entries.isEmpty {
      Console.complain(
        """
        No Renogy module was heard\(heard == 0 ? ", nor anybody else" : "; \(heard) other device\(heard == 1 ? " was" : "s were")"). \
        \(Failure.notSeen.advice)
        """)
    }
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
