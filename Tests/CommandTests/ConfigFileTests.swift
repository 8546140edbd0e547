import Devices
import Foundation
import Policy
import Readings
import Testing

@testable import blupow

@Suite struct ConfigFileTests {
  static let device = "devices:\n  - address: D8:B6:73:BF:4F:75\n"

  @Test func `one device with an address is a whole configuration`() throws {
    let config = try ConfigFile.parse(Self.device, file: "c.yaml")
    #expect(config.devices.map(\.address.text) == ["D8:B6:73:BF:4F:75"])
    #expect(config.devices.map(\.profile) == ["auto"])
    #expect(config.interval == .seconds(30))
    #expect(config.timeout == .automatic)
    #expect(config.attempts == 2)
    #expect(config.retryDelay == .seconds(2))
    #expect(config.cacheFor == .seconds(300))
    #expect(config.grace == .seconds(600))
  }

  @Test func `the link is the device's, else the environment's, else the file's, else the worker's to choose`() throws {
    func links(_ text: String, _ environment: [String: String] = [:]) throws -> [LinkChoice] {
      try ConfigFile.parse(text, file: "c.yaml", environment: environment).modules.map(\.link)
    }
    #expect(try links(Self.device) == [.auto])
    #expect(try links("link: bluez\n" + Self.device) == [.bluez])
    #expect(try links("link: bluez\n" + Self.device, ["BLUPOW_LINK": "kernel"]) == [.kernel])
    #expect(try links("link: bluez\n" + Self.device + "    link: auto\n") == [.auto])
  }

  @Test func `every number of policy is a setting, by the file and by the environment`() throws {
    let text = """
      state_dir: /tmp/x
      timeout_base: 20s
      timeout_step: 2s
      timeout_longest: 30s
      backoff_after: 1
      backoff_longest: 60s
      sessions: 5
      failing_sessions: 2
      yield_after: 4
      forget_after: 5
      forget_every: 20m
      reset_adapter: true
      reset_after: 120s
      resets_per_hour: 1
      probe_every: 3s
      summary_every: 5m

      """
    var settings = PolicySettings()
    settings.backOff = BackOff(after: 1, longest: .seconds(60))
    (settings.sessions, settings.failingSessions) = (5, 2)
    (settings.yieldAfter, settings.forgetAfter, settings.forgetEvery) = (4, 5, .seconds(1200))
    (settings.resetsAdapter, settings.resetAfter, settings.resetsPerHour) = (true, .seconds(120), 1)
    (settings.probeEvery, settings.summaryEvery) = (.seconds(3), .seconds(300))
    let scale = TimeoutScale.growing(base: .seconds(20), step: .seconds(2), longest: .seconds(30))
    var environment: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ": ").map(String.init)
      environment[ConfigFile.variable(parts[0])] = parts[1]
    }
    for config in [
      try ConfigFile.parse(text + Self.device, file: "c.yaml"),
      try ConfigFile.parse(Self.device, file: "c.yaml", environment: environment),
    ] {
      #expect(config.settings == settings)
      #expect(config.timeout == scale)
      #expect(config.stateDirectory == "/tmp/x")
    }
    let fixed = try ConfigFile.parse("timeout: 12s\n" + text + Self.device, file: "c.yaml")
    #expect(fixed.timeout == .fixed(.seconds(12)))
  }

  @Test func `the example is a configuration with exactly the defaults`() throws {
    let example = try ConfigFile.parse(ConfigExample.text, file: "example")
    var plain = try ConfigFile.parse(Self.device, file: "c.yaml")
    plain.devices[0].name = "Inverter"
    #expect(example == plain)
    // And it is the reference: every key stands in it, with why its default is what it is.
    for key in ConfigFile.scalars + ConfigFile.historyScalars { #expect(ConfigExample.text.contains("\(key): "), "\(key)") }
    #expect(try ConfigFile.whole(ConfigExample.text, file: "example").keep == ConfigFile.standardKeep)
  }

  @Test func `the history is kept as long as the environment says, else the file, else 90 days`() throws {
    func keep(_ text: String, _ environment: [String: String] = [:]) throws -> Duration {
      try ConfigFile.whole(text + Self.device, file: "c.yaml", environment: environment).keep
    }
    let days = { (days: Int) in Duration.seconds(days * 86_400) }
    #expect(try keep("") == days(90) && keep("history:\n") == days(90))
    #expect(try keep("history:\n  keep: 30d\n") == days(30))
    #expect(try keep("history:\n  keep: 30d\n", ["BLUPOW_HISTORY_KEEP": "1d"]) == days(1))
    let error = #expect(throws: ConfigError.self) { try keep("", ["BLUPOW_HISTORY_KEEP": "soon"]) }
    #expect(error?.description.hasSuffix("history.keep: 'soon' is not a duration from 1d to 3650d.") == true)
  }

  /// One mistake each; the first line says what is said of it.
  static let badFiles =
    (try? FileManager.default.contentsOfDirectory(at: badConfigs, includingPropertiesForKeys: nil))?
    .sorted { $0.path < $1.path } ?? []
  private static let badConfigs = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../BadConfigs")
    .standardized

  @Test func `there are bad files`() { #expect(Self.badFiles.count > 50) }

  @Test(.timeLimit(.minutes(5)), arguments: badFiles) func `each mistake is named with its place, and how to mend it`(file: URL)
    throws
  {
    let text = try String(contentsOf: file, encoding: .utf8)
    let first = try #require(text.split(separator: "\n").first)
    do throws(ConfigError) {
      _ = try ConfigFile.whole(text, file: "FILE")
      Issue.record("it was taken")
    } catch {
      #expect("# \(error.description)" == first)
    }
  }

  @Test func `a byte order mark is passed over`() throws {
    #expect(try ConfigFile.parse("\u{FEFF}gateway: boat\n" + Self.device, file: "c.yaml").name == "boat")
  }

  @Test func `quoted names may hold whatever YAML has for itself`() throws {
    let text = Self.device + "    name: 'Bob''s & Co *'\n"
    #expect(try ConfigFile.parse(text, file: "c.yaml").devices.map(\.name) == ["Bob's & Co *"])
  }

  @Test(arguments: ["301s", "0s", "soon"]) func `a smallest interval that cannot be is refused`(text: String) {
    #expect(throws: ConfigError.self) {
      try ConfigFile.parse(Self.device, file: "c.yaml", environment: ["BLUPOW_MIN_INTERVAL": text])
    }
  }

  @Test func `a setting of one value can come from the environment, and is checked as strictly`() throws {
    let config = try ConfigFile.parse(
      "interval: 30s\n" + Self.device, file: "c.yaml", environment: ["BLUPOW_INTERVAL": "60s", "BLUPOW_TIMEOUT": "12s"])
    #expect(config.interval == .seconds(60))
    #expect(config.timeout == .fixed(.seconds(12)))
    #expect(throws: ConfigError.self) {
      try ConfigFile.parse(Self.device, file: "c.yaml", environment: ["BLUPOW_ATTEMPTS": "many"])
    }
  }

  @Test func `tests may lower the smallest interval`() throws {
    let environment = ["BLUPOW_MIN_INTERVAL": "1s"]
    #expect(
      try ConfigFile.parse("interval: 1s\n" + Self.device, file: "c.yaml", environment: environment).interval == .seconds(1))
    #expect(throws: ConfigError.self) { try ConfigFile.parse("interval: 1s\n" + Self.device, file: "c.yaml") }
  }

  @Test func `entries with one address share the module, if each names its unit`() throws {
    let config = try ConfigFile.parse(
      "devices:\n- {name: A, address: 'D8:B6:73:BF:4F:75', unit: 32}\n- {name: B, address: 'D8:B6:73:BF:4F:75', unit: 33, interval: 20s}\n",
      file: "c.yaml")
    #expect(config.modules.count == 1)
    #expect(config.modules[0].interval == .seconds(20))
  }
}
