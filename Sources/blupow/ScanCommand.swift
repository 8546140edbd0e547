import Logging
import ArgumentParser
import Devices
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

  struct Entry: Encodable {
    var address: String
    var name: String?
    var rssi: Int?
    var adapter: String
    var profile: String?
    var configured: Bool

    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      try fields.encode(address, forKey: .address)
      try fields.encode(name, forKey: .name)
      try fields.encode(rssi, forKey: .rssi)
      try fields.encode(adapter, forKey: .adapter)
      try fields.encode(profile, forKey: .profile)
      try fields.encode(configured, forKey: .configured)
    }

    enum Key: String, CodingKey { case address, name, rssi, adapter, profile, configured }
  }

  func run() async throws {
    guard let time = Duration(text: duration), (Duration.seconds(1)...Duration.seconds(60)).contains(time) else {
      throw ValidationError("--for '\(duration)' is not a duration from 1s to 60s.")
    }
    // Without a configuration nothing is configured; a broken one is `blupow config check`'s to say.
    let configured = Set((try? ConfigFile.load(ConfigFile.path(nil)))?.devices.map(\.address) ?? [])
    let (adapter, log) = (adapter, Console.logger(.error))
    let scan = await stoppable { () async -> Result<[SeenDevice], FailureReport> in
      do throws(FailureReport) {
        return .success(try await ScanRunner(worker: Sibling.worker, log: log).scan(for: time, adapter: adapter))
      } catch {
        return .failure(error)
      }
    }
    switch scan {
    case nil: throw Console.exit(.tryAgain)
    case .failure(let report):
      Console.complain("\(report.message) \(report.failure.advice)")
      throw Console.exit(report.failure.exitCode)
    case .success(let heard):
      let entries = heard.filter { all || $0.isRenogy }.map { device in
        Entry(
          address: device.address.text, name: device.name, rssi: device.rssi, adapter: device.adapter,
          profile: device.profile, configured: configured.contains(device.address))
      }
      try show(entries, heard: heard.count)
      if entries.isEmpty { throw Console.exit(.tryAgain) }
    }
  }

  private func show(_ entries: [Entry], heard: Int) throws {
    if json {
      try Console.json(["devices": entries])
    } else if asConfig {
      for entry in entries where !entry.configured { try Console.result(Self.config(entry)) }
    } else {
      for entry in entries {
        let name = (entry.name ?? "(no name)").padded(to: 24)
        let signal = entry.rssi.map { "\($0) dBm" } ?? "?"
        let profile = (entry.profile ?? "profile not told by its name").padded(to: 12)
        try Console.result(
          "\(entry.address)  \(name)  \(signal.padded(to: 8))  \(profile)\(entry.configured ? "  configured" : "")")
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

  /// An entry that `config check` takes; a comment where this release lacks the profile.
  static func config(_ entry: Entry) -> String {
    let name = (entry.name ?? entry.address).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    if let profile = entry.profile, Profile.named(profile) == nil {
      return "  # \(name) at \(entry.address): its profile \(profile) is not in this release"
    }
    return """
        - name: "\(name)"
          address: \(entry.address)
          profile: \(entry.profile ?? "inverter   # a guess: its name does not tell what is behind it")
      """
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
