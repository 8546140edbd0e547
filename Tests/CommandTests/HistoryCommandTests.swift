import Foundation
import Glibc
import Policy
import Readings
import Rig
import Store
import Supervisor
import Testing

/// `blupow history`, of what a real service wrote.
@Suite struct HistoryCommandTests {
  private typealias Fields = [String: Any]
  private static let config = "interval: 1s\n" + PollCommandTests.config

  private func state(_ scene: Scene) -> [String: String] {
    ["BLUPOW_STATE_DIR": "\(scene.simulation.directory)/state", "BLUPOW_MIN_INTERVAL": "1s"]
  }

  /// Runs a service until it has polled the device so often, and ends it.
  private func serve(_ scene: Scene, polls: Int) async throws {
    let service = try await scene.start(["run", "-v"], config: Self.config, more: state(scene))
    let log = ServiceLog(of: service) { $0.contains("debug: polled") }
    while log.count < polls { try await Task.sleep(for: .milliseconds(20)) }
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
  }

  private func history(_ scene: Scene, _ arguments: String...) async throws -> CommandRun {
    try await scene.blupow(["history"] + arguments, config: Self.config, more: state(scene))
  }

  @Test(.timeLimit(.minutes(10))) func `a service that ended has written down every poll, its readings and its failures`()
    async throws
  {
    let requests = Scene.inverterRequests
    let scene = try await Scene.one(#""faults":[{"fault":"silent","from_request":\#(requests + 1),"times":1}]"#)
    try await serve(scene, polls: 3)
    let json = try await history(scene, "--json")
    #expect(json.exitCode == 0, "\(json.errors)")
    let lines = json.output.split(separator: "\n").map(String.init)
    WireRecord.keep(lines, "command.history")
    let polls = try lines.map { try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? Fields) }
    #expect(polls.count >= 3)
    #expect(polls.allSatisfy { $0["device"] as? String == "Inverter" && $0["time_known"] is Bool })
    let failures = polls.compactMap { ($0["failure"] as? Fields)?["class"] as? String }
    #expect(failures == ["silent"])
    let readings = polls.compactMap { $0["readings"] as? Fields }
    #expect(readings.filter { $0.count == Scene.inverterReadings }.count == polls.count - 1)
    #expect((readings[0]["battery_voltage"] as? Fields)?["unit"] as? String == "V")
    let csv = try await history(scene, "Inverter", "--csv", "--since", "1h")
    #expect(csv.output.split(separator: "\r\n").count == polls.count + 1, "\(csv.output)")
    let cut = try await scene.blupow(
      ["history", "--json"], config: Self.config, more: state(scene),
      through: ["/bin/bash", "-c", "set -o pipefail; \"$@\" | :", "bash"])
    #expect(cut.exitCode == 0 && cut.errors.isEmpty, "who has read enough: \(cut.errors)")
    let table = try await history(scene)
    #expect(table.output.contains("Inverter · SIMULATED at D8:B6:73:BF:4F:75\n"), "\(table.output)")
    #expect(table.output.contains("battery_voltage V") && table.output.contains("failed: silent 1\n"))
    // Another service goes on where that one ended.
    try await serve(scene, polls: 2)
    let more = try await history(scene, "--json")
    #expect(more.output.split(separator: "\n").count >= polls.count + 2)
    #expect(more.output.hasPrefix(json.output))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(10))) func `what was computed is marked as such, in each form`() async throws {
    let scene = try await Scene.one(#""name":"BT-TH-66F94E1E    ","devices":[{"unit":48,"registers":"RBT50LFP48S-A"}]"#)
    let config = """
      interval: 1s
      timeout: 10s
      devices:
        - {name: Battery, address: "\(Scene.address)", profile: battery, unit: 48, test_mode: true}
      """
    let service = try await scene.start(["run", "-v"], config: config, more: state(scene))
    let log = ServiceLog(of: service) { $0.contains("debug: polled") }
    while log.count < 1 { try await Task.sleep(for: .milliseconds(20)) }
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    func said(_ form: String...) async throws -> String {
      try await scene.blupow(["history"] + form, config: config, more: state(scene)).output
    }
    let lines = try await said("--json").split(separator: "\n").map(String.init)
    WireRecord.keep(lines, "command.computed.history")
    let first = try #require(lines.first)
    let poll = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? Fields)
    let readings = try #require(poll["readings"] as? Fields)
    let derived = try #require(poll["derived"] as? [String])
    #expect(derived.contains("battery_power") && derived == derived.sorted() && derived.allSatisfy { readings[$0] != nil })
    #expect(!derived.contains("battery_voltage") && poll["raw_sign"] as? [String] == [])
    #expect(try await said("--csv").contains(",\(derived.joined(separator: " ")),,"))
    let table = try await said()
    #expect(table.contains("battery_power W*  ") && table.contains("  * computed from others of the same poll\n"), "\(table)")
    #expect(table.contains("battery_voltage V  ") && !table.contains("±"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `where there is none, or none of that device, it says so`() async throws {
    let scene = try await Scene.one()
    let none = try await history(scene)
    #expect(none.exitCode == ExitCode.unavailable.rawValue && none.output.isEmpty)
    #expect(none.errors.hasPrefix("There is no history in \(scene.simulation.directory)/state yet. "), "\(none.errors)")
    for arguments in [["--csv", "--json"], ["--since", "soon"], ["--since", "0s"]] {
      let run = try await scene.blupow(["history"] + arguments, config: Self.config, more: state(scene))
      #expect(run.exitCode == ExitCode.usage.rawValue, "\(arguments)")
    }
    let (file, _) = try HistoryFile.open(directory: "\(scene.simulation.directory)/state")
    file.close()
    let unknown = try await history(scene, "Cabin")
    #expect(unknown.exitCode == ExitCode.usage.rawValue)
    #expect(unknown.errors.contains("There is no history of a device 'Cabin'"), "\(unknown.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a history that cannot be kept is a problem, and stops nothing`() async throws {
    let scene = try await Scene.one()
    mkdir("\(scene.simulation.directory)/state", 0o700)
    mkdir("\(scene.simulation.directory)/state/history.sqlite", 0o700)
    let service = try await scene.start(["run"], config: Self.config, more: state(scene))
    let log = ServiceLog(of: service) { $0.contains("history_failed") }
    while log.count == 0 { try await Task.sleep(for: .milliseconds(20)) }
    var status: FleetStatus?
    while status?.devices.first?.status != .connected {
      status = try? Wire.decode(FleetStatus.self, from: Array(try await scene.blupow(["status", "--json"]).output.utf8))
    }
    #expect(status?.problems.map(\.name) == [.historyFailed])
    #expect(status?.problems.first?.message.hasSuffix("/history.sqlite is a directory, not a file.") == true)
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    await scene.end()
  }
}
