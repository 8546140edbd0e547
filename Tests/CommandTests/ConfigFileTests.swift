import Devices
import Policy
import Readings
import Testing

@testable import blupow

@Suite struct ConfigFileTests {
  static let device = "devices:\n  - address: D8:B6:73:BF:4F:75\n"

  private static let profiles = (Profile.all.map(\.name) + ["auto"]).joined(separator: ", ")

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
    for key in ConfigFile.scalars { #expect(ConfigExample.text.contains("\(key): "), "\(key)") }
  }

  @Test(
    arguments: [
      ("", "c.yaml: is empty; `blupow config example` prints one to begin with."),
      ("devices: []", "c.yaml:1:1: `devices` is missing: one entry with an address is a whole configuration."),
      (
        "intervall: 30s\n" + device,
        "c.yaml:1:1: intervall is not a known key; known here: \((ConfigFile.scalars + ["devices", "mqtt"]).joined(separator: ", "))."
      ),
      ("interval: 5s\n" + device, "c.yaml:1:11: interval: '5s' is not a duration from 10s to 300s."),
      ("interval:\n" + device, "c.yaml:1:10: interval: has no value."),
      ("timeout: 9s\n" + device, "c.yaml:1:10: timeout: '9s' is not `auto` or a duration from 10s to 60s."),
      ("attempts: 0\n" + device, "c.yaml:1:11: attempts: '0' is not a number from 1 to 5."),
      ("attempts: [1]\n" + device, "c.yaml:1:11: attempts: must be one value, not a list or a mapping."),
      ("gateway: a/b\n" + device, "c.yaml:1:10: gateway: 'a/b' is not a name of 1 to 64 letters, digits, - and _."),
      ("devices: 3", "c.yaml:1:10: devices: must be a list: lines that begin with `- `."),
      (
        "devices:\n  - name: A\n",
        "c.yaml:2:5: devices[0]: `address` is missing: the module's Bluetooth address, which `blupow scan` shows."
      ),
      (
        "devices:\n  - address: D8:B6\n",
        "c.yaml:2:14: devices[0].address: 'D8:B6' is not a Bluetooth address like D8:B6:73:BF:4F:75."
      ),
      (device + "    profile: toaster\n", "c.yaml:3:14: devices[0].profile: 'toaster' is not one of: \(profiles)."),
      (
        device + "    advertised: \(String(repeating: "n", count: 65))\n",
        "c.yaml:3:17: devices[0].advertised: '\(String(repeating: "n", count: 60))' is not an advertised name of 1 to 64 bytes."
      ),
      (device + "    advertised:\n", "c.yaml:3:16: devices[0].advertised: has no value."),
      (device + "    unit: 256\n", "c.yaml:3:11: devices[0].unit: '256' is not a Modbus unit from 1 to 255."),
      (device + "    adapter: usb0\n", "c.yaml:3:14: devices[0].adapter: 'usb0' is not an adapter's name like hci0."),
      ("link: dbus\n" + device, "c.yaml:1:7: link: 'dbus' is not `auto`, `kernel` or `bluez`."),
      (device + "    link: none\n", "c.yaml:3:11: devices[0].link: 'none' is not `auto`, `kernel` or `bluez`."),
      (
        device + "    colour: red\n",
        "c.yaml:3:5: devices[0].colour is not a known key; known here: name, address, profile, unit, advertised, adapter, link, interval, test_mode."
      ),
      (
        device + "  - address: d8:b6:73:bf:4f:75\n    name: B\n",
        "c.yaml:3:5: devices[1]: another entry has this address; behind a hub every entry names a `unit` of its own, 1 to 254."
      ),
      (
        device + "  - {address: \"D8:B6:73:BF:4F:76\", name: \"D8:B6:73:BF:4F:75\"}\n",
        "c.yaml:3:5: devices[1]: another device is called 'D8:B6:73:BF:4F:75' already; give each a name of its own."
      ),
      ("- a\n", "c.yaml:1:1: the file must be a list of `key: value` lines."),
    ])
  func `each mistake is named with its place`(text: String, message: String) {
    #expect(throws: ConfigError.self) { try ConfigFile.parse(text, file: "c.yaml") }
    do throws(ConfigError) { _ = try ConfigFile.parse(text, file: "c.yaml") } catch { #expect(error.description == message) }
  }

  @Test(
    .enabled(if: Profile.named("shunt300") != nil),
    arguments: [
      (
        device + "    unit: 1\n    profile: shunt300\n",
        "c.yaml:3:11: devices[0].unit: a shunt300 is listened to only, and has no unit; leave it out."
      ),
      (
        device + "    profile: shunt300\n  - {address: \"D8:B6:73:BF:4F:75\", name: B, unit: 1}\n",
        "c.yaml:4:5: devices[1]: another entry has this address; a shunt300 is alone behind its module."
      ),
      (
        device + "    unit: 1\n  - {address: \"D8:B6:73:BF:4F:75\", name: B, profile: shunt300}\n",
        "c.yaml:4:5: devices[1]: another entry has this address; a shunt300 is alone behind its module."
      ),
    ])
  func `a shunt has no unit and no neighbour`(text: String, message: String) {
    do throws(ConfigError) {
      _ = try ConfigFile.parse(text, file: "c.yaml")
      Issue.record("it was taken")
    } catch {
      #expect(error.description == message)
    }
  }

  @Test func `every profile can be named, and the module's advertised name`() throws {
    for profile in Profile.all.map(\.name) + ["auto"] {
      let config = try ConfigFile.parse(Self.device + "    profile: \(profile)\n    advertised: RNGPRO12\n", file: "c.yaml")
      #expect(config.devices[0].profile == profile)
      #expect(config.modules[0].module.name == "RNGPRO12")
    }
  }

  @Test func `anchors and aliases are refused before they can multiply, and are fine where they mean nothing`() throws {
    for text in ["a: &a [1]\nb: *a\n", "? *a\n: 1\n", "- [*a]\n"] {
      do throws(ConfigError) {
        _ = try ConfigFile.parse(text, file: "c.yaml")
        Issue.record("it was taken")
      } catch {
        #expect(error.description.contains("anchors (&) and aliases (*) are not taken here"))
      }
    }
    let fine = "# a *star* & more\ngateway: a-b\n" + Self.device + "    name: \"*Bob's* & co\" # *\n"
    #expect(try ConfigFile.parse(fine, file: "c.yaml").devices.map(\.name) == ["*Bob's* & co"])
  }

  @Test(arguments: ["301s", "0s", "soon"]) func `a smallest interval that cannot be is refused`(text: String) {
    #expect(throws: ConfigError.self) {
      try ConfigFile.parse(Self.device, file: "c.yaml", environment: ["BLUPOW_MIN_INTERVAL": text])
    }
  }

  @Test(arguments: ["a: [1", "a: b: c", "interval: 30s\ninterval: 40s\n" + device, "\tx: 1"])
  func `what is not YAML is named with its line`(text: String) {
    do throws(ConfigError) {
      _ = try ConfigFile.parse(text, file: "c.yaml")
      Issue.record("it was taken")
    } catch {
      #expect(error.description.hasPrefix("c.yaml:"))
      #expect(error.description.split(separator: ":").count >= 4, "\(error.description)")
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
