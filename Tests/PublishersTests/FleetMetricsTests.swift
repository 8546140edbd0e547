import Devices
import Foundation
import Policy
import Readings
import Rig
import Testing

@testable import Publishers

@Suite struct FleetMetricsTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

  private func text(_ fleet: FleetStatus, counts: [String: PollCounts] = [:]) -> String {
    FleetMetrics.text(fleet, counts: counts)
  }

  private func read(_ fleet: FleetStatus, counts: [String: PollCounts] = [:]) throws -> ExpositionReader {
    try ExpositionReader(text(fleet, counts: counts))
  }

  /// One device of each profile, with a value for each of its keys.
  private static func everything() throws -> FleetStatus {
    let devices = try Profile.all.enumerated().map { number, profile in
      var device = try Sample.device("The \(profile.name)", at: "D8:B6:73:BF:4F:8\(number)")
      device.profile = profile.name
      device.rssi = -60
      device.interval = .seconds(30)
      device.unit = 32
      device.readings = Dictionary(
        uniqueKeysWithValues: profile.keys.map { field in
          let isNumber = field.quantity.unit != nil || field.quantity.stateClass != nil || field.key == "cell_count"
          let words = field.coding.isFlag || field.quantity == .problem ? "on" : "some words"
          return (field.key, isNumber ? Reading(.number(1), unit: field.unit) : Reading(.text(words)))
        })
      return device
    }
    return FleetStatus(
      gateway: "cabin", lagP99: 12, descriptors: 20, strays: 0, devices: devices,
      problems: [
        Problem(
          .moduleFailing, address: Address("D8:B6:73:BF:4F:83"), message: "It fails.", advice: "Look."),
        Problem(.adapterAway, adapter: "hci0", message: "It is away.", advice: "Look."),
      ])
  }

  private static func counts(_ device: String) -> [String: PollCounts] {
    var counts = PollCounts()
    counts.note(.failed(FailureReport(.notSeen, at: .scan, "It was not heard.")))
    return [device: counts]
  }

  @Test func `all that there is is in the format, and every metric is one that is declared`() throws {
    let page = try read(Self.everything(), counts: Self.counts("The inverter"))
    let declared = Set(FleetMetrics.families.map(\.name) + ReadingMetric.all.map(\.family.name))
    #expect(Set(page.kinds.keys) == declared)
    for family in FleetMetrics.families + ReadingMetric.all.map(\.family) {
      #expect(page.kinds[family.name] == family.kind.rawValue)
    }
  }

  @Test func `a device is told with what was read, its measures and its counts`() throws {
    var device = try Sample.device("Inverter")
    (device.failure, device.consecutiveFailures) = (FailureReport(.silent, at: .read, "It is silent."), 2)
    device.readings["charging_status"] = Reading(.text("float"))
    var counts = PollCounts()
    for _ in 1...5 {
      counts.note(.readings(DeviceReadings(device: "Inverter", profile: "inverter", unit: 32, model: nil, readings: [:])))
    }
    for failure in [Failure.silent, .notSeen, .silent, .stopped] {
      counts.note(.failed(FailureReport(failure, at: .read, "")))
    }
    let lines = text(FleetStatus(gateway: "cabin", devices: [device]), counts: ["Inverter": counts])
      .split(separator: "\n").filter { $0.contains("device=\"Inverter\"") }
    #expect(
      lines.map(String.init) == [
        #"blupow_device_info{device="Inverter",address="D8:B6:73:BF:4F:75",profile="inverter",model="RIV1230RCH-SPS"} 1"#,
        #"blupow_device_status{device="Inverter",status="connected"} 1"#,
        #"blupow_device_status{device="Inverter",status="offline"} 0"#,
        #"blupow_device_status{device="Inverter",status="disconnected"} 0"#,
        #"blupow_device_available{device="Inverter"} 1"#, #"blupow_age_seconds{device="Inverter"} 2.1"#,
        #"blupow_success_rate_ratio{device="Inverter"} 1"#, #"blupow_availability_ratio{device="Inverter"} 1"#,
        #"blupow_consecutive_failures{device="Inverter"} 2"#, #"blupow_connect_seconds{device="Inverter"} 0.3"#,
        #"blupow_connect_mean_seconds{device="Inverter"} 0.3"#, #"blupow_poll_seconds{device="Inverter"} 0.412"#,
        #"blupow_deadline_seconds{device="Inverter"} 25"#, #"blupow_polls_total{device="Inverter"} 8"#,
      ]
        + Failure.allCases.map(\.rawValue).sorted().map { name in
          "blupow_polls_failed_total{device=\"Inverter\",class=\"\(name)\"} \(["not_seen": 1, "silent": 2][name] ?? 0)"
        } + [
          #"blupow_battery_voltage_volts{device="Inverter"} 51.2"#,
          #"blupow_charging_status{device="Inverter",state="float"} 1"#,
        ])
  }

  @Test func `what nobody knows has no sample, least of all 0`() throws {
    var device = try Sample.device("Inverter", at: "D8:B6:73:BF:4F:75", .disconnected)
    (device.available, device.readings, device.age, device.model) = (false, [:], nil, nil)
    (device.successRate, device.availability, device.connectMs, device.connectMsMean, device.pollMs) = (nil, nil, nil, nil, nil)
    let page = try read(FleetStatus(gateway: "cabin", devices: [device]))
    let told = Set(page.samples.filter { $0.labels["device"] != nil }.map(\.name))
    #expect(
      told == [
        "blupow_device_info", "blupow_device_status", "blupow_device_available", "blupow_consecutive_failures",
        "blupow_deadline_seconds", "blupow_polls_total", "blupow_polls_failed_total",
      ])
    #expect(page.samples.contains { $0.name == "blupow_device_available" && $0.value == 0 })
    #expect(!page.kinds.keys.contains("blupow_poll_lag_p99_seconds") && !page.kinds.keys.contains("blupow_gateway_problem"))
  }

  @Test func `a simulated device is marked in each of its samples`() throws {
    var device = try Sample.device("Toy")
    device.testMode = true
    let page = try read(FleetStatus(gateway: "cabin", devices: [device, try Sample.device("Inverter")]))
    for sample in page.samples { #expect(sample.labels["test_mode"] == (sample.labels["device"] == "Toy" ? "true" : nil)) }
  }

  @Test func `so is a problem of a module behind which everything is simulated`() throws {
    let other = try #require(Address("AA:BB:CC:00:11:22"))
    func marks(_ areSimulated: [Bool], of address: Address? = nil) throws -> [String?] {
      var fleet = FleetStatus(
        gateway: "cabin",
        devices: try areSimulated.map { isSimulated in
          var device = try Sample.device("Toy \(isSimulated)")
          device.testMode = isSimulated
          return device
        })
      let problem = Problem(.moduleFailing, address: address ?? fleet.devices[0].address, message: "It fails.", advice: "")
      fleet.problems = [problem]
      return try read(fleet).samples.filter { $0.name == "blupow_gateway_problem" }.map { $0.labels["test_mode"] }
    }
    #expect(try marks([true]) == ["true"])
    #expect(try marks([true, false]) == [nil])
    #expect(try marks([true], of: other) == [nil])
  }

  @Test func `what was computed, and what has the register's own sign, is marked as such`() throws {
    var device = try Sample.device("Inverter")
    device.readings = ["charging_current": Reading(.number(-2), unit: "A"), "battery_voltage": Reading(.number(52), unit: "V")]
    device.readings["charging_power"] = Reading(.number(-104), unit: "W")
    (device.derived, device.rawSign) = (["charging_power"], ["charging_current", "charging_power"])
    let page = try read(FleetStatus(gateway: "cabin", devices: [device]))
    func marks(_ metric: String) -> [[String: String]] {
      page.samples.filter { $0.name == metric }.map { $0.labels.filter { $0.key != "device" } }
    }
    #expect(marks("blupow_battery_voltage_volts") == [[:]])
    #expect(marks("blupow_charging_current_amperes") == [["raw_sign": "true"]])
    #expect(marks("blupow_charging_power_watts") == [["derived": "true", "raw_sign": "true"]])
  }

  @Test(arguments: ["Bob's \"big\" \\ one", "\\", "\"", "\\n", "Küche {a=\"b\"} 1", "a,b=\"c\"", "a\"\u{301}", "b\\\u{301}"])
  func `whatever a device is called, its name comes back`(name: String) throws {
    let page = try read(FleetStatus(gateway: "cabin", devices: [try Sample.device(name)]))
    #expect(Set(page.samples.compactMap { $0.labels["device"] }) == [name])
  }

  @Test func `a start is one moment, in whatever part of a second it is asked for`() {
    let start = ProcessFootprint().startedAt
    let began = Date.now.timeIntervalSince1970
    var seen: Set<Double?> = []
    while Date.now.timeIntervalSince1970 < began + 1.1 { seen.insert(ProcessFootprint().startedAt) }
    #expect(seen == [start])
  }

  @Test func `the process says what it takes`() throws {
    let footprint = ProcessFootprint()
    #expect(try #require(footprint.cpu) > 0 && footprint.cpu ?? 0 < 1_000_000)
    #expect(try #require(footprint.residentBytes) > 1_000_000)
    #expect(try #require(footprint.virtualBytes) > footprint.residentBytes ?? 0)
    #expect(try #require(footprint.descriptors) >= Processes.descriptors().count - 1)
    #expect(try #require(footprint.maxDescriptors) >= 64)
    let age = Date.now.timeIntervalSince1970 - (try #require(footprint.startedAt))
    #expect(age >= 0 && age < 86_400)
  }

  // MARK: What stands elsewhere

  /// BLUPOW_TEST_WRITE=1 writes the tables anew.
  @Test func `protocol/metrics.md has every metric`() throws {
    func rows(_ families: [Exposition.Family], _ labels: (String) -> String) -> String {
      var seen: Set<String> = []
      return families.filter { seen.insert($0.name).inserted }.map {
        "| `\($0.name)` | \($0.kind.rawValue) | \(labels($0.name)) | \($0.help) |\n"
      }.joined()
    }
    let page = try read(Self.everything(), counts: Self.counts("The inverter"))
    func labels(_ name: String) -> String {
      let all = page.samples.filter { $0.name == name }.flatMap(\.labels.keys)
      return Set(all).sorted().map { "`\($0)`" }.joined(separator: ", ")
    }
    let tables = [
      "the gateway and its devices": rows(FleetMetrics.families, labels),
      "readings": rows(ReadingMetric.all.map(\.family), labels),
    ]
    let file = Self.root.appending(path: "protocol/metrics.md")
    let table = #/<!-- (?<what>[^>]+) -->\n\n(?<head>\|[^\n]+\n\|[-|]+\n)(?<rows>(?:\|[^\n]*\n)*)/#
    var document = try String(contentsOf: file, encoding: .utf8)
    if ProcessInfo.processInfo.environment["BLUPOW_TEST_WRITE"] != nil {
      document.replace(table) { "<!-- \($0.what) -->\n\n\($0.head)\(tables[String($0.what)] ?? "")" }
      try Data(document.utf8).write(to: file)
    }
    var found: [String: String] = [:]
    for match in document.matches(of: table) { found[String(match.what)] = String(match.rows) }
    #expect(found == tables)
  }

  @Test(arguments: ["deploy/grafana/blupow.json", "deploy/prometheus/blupow.rules.yml", "README.md", "protocol/metrics.md"])
  func `nothing asks for a metric that there is not`(file: String) throws {
    let text = try String(contentsOf: Self.root.appending(path: file), encoding: .utf8)
    let declared = Set(FleetMetrics.families.map(\.name) + ReadingMetric.all.map(\.family.name))
    let asked = Set(text.matches(of: #/\b(?:blupow|process)_[a-z0-9_]+\b(?=[{\[ )="`,]|$)/#).map { String($0.0) })
    #expect(!asked.isEmpty || file == "README.md")
    #expect(
      asked.subtracting(declared).filter { !$0.hasPrefix("blupow_GATEWAY") && !$0.hasPrefix("blupow_cabin") } == [], "\(file)")
  }

  @Test func `the dashboard is JSON, and each of its panels asks for something`() throws {
    struct Dashboard: Decodable {
      struct Panel: Decodable {
        struct Target: Decodable { var expr: String }
        var title: String
        var type: String
        var targets: [Target]?
      }
      var title: String
      var uid: String
      var panels: [Panel]
    }
    let data = try Data(contentsOf: Self.root.appending(path: "deploy/grafana/blupow.json"))
    let dashboard = try JSONDecoder().decode(Dashboard.self, from: data)
    #expect(dashboard.panels.count > 10)
    for panel in dashboard.panels where panel.type != "row" {
      let targets = try #require(panel.targets)
      #expect(!targets.isEmpty && targets.allSatisfy { $0.expr.contains(/\b(blupow|process)_[a-z]/) }, "\(panel.title)")
    }
  }
}
