import FoundationEssentials
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// One module cannot hurt another, and many do not hurt each other. A minute each and more: only in long runs.
@Suite(.enabled(if: getenv("BLUPOW_TEST_LONG") != nil, "a minute each"), .serialized) struct FairnessTests {
  private struct Fleet {
    var addresses: [String]
    var adapters = 1
    /// The first so many connect to nobody.
    var dead = 0

    var setup: String {
      let modules = addresses.enumerated().map { index, address in
        """
        {"address":"\(address)","adapter":"\(adapter(index))","known":true,"name":"BTRIC134000035   ",\
        "faults":[\(index < dead ? #"{"fault":"never_connects"}"# : "")],"delays":\(Scene.fast),\
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}
        """
      }
      let names = (0..<adapters).map { "{\"name\":\"hci\($0)\"}" }
      return "{\"adapters\":[\(names.joined(separator: ","))],\"modules\":[\(modules.joined(separator: ","))]}"
    }

    func config(_ link: LinkKind, interval: String, without skipped: Int = 0) -> String {
      let devices = addresses.enumerated().dropFirst(skipped).map { index, address in
        "  - {name: 'D\(index)', address: '\(address)', profile: inverter, unit: 32, adapter: \(adapter(index))}\n"
      }
      return "interval: \(interval)\ntimeout: 10s\nlink: \(link)\ndevices:\n\(devices.joined())"
    }

    private func adapter(_ index: Int) -> String { "hci\(index % adapters)" }
  }

  private static func addresses(_ count: Int) -> [String] {
    (0..<count).map { "D8:B6:73:BF:\(hex($0 / 256)):\(hex($0 % 256))" }
  }

  private static func hex(_ number: Int) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return digits.count == 1 ? "0" + digits : digits
  }

  @Test(.timeLimit(.minutes(5)), arguments: LinkKind.allCases)
  func `ten healthy modules are read as often beside three that always time out as without them`(link: LinkKind) async throws {
    let fleet = Fleet(addresses: Self.addresses(13), dead: 3)
    let dead = fleet.addresses.prefix(3).map { $0.filter { $0 != ":" } }
    /// Good polls of the healthy in a minute, from when each had its first; and those of them that failed at any time.
    func run(without skipped: Int) async throws -> (good: Int, bad: Int) {
      let scene = try await Scene.start(fleet.setup)
      let sockets = link == .kernel ? ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets] : [:]
      let service = try await scene.start(
        ["run", "-v"], config: fleet.config(link, interval: "2s", without: skipped), more: sockets)
      let log = ServiceLog(of: service) { line in line.contains("ok=true") && !dead.contains { line.contains($0) } }
      _ = try await log.wait(forMore: 20, within: .seconds(30))
      let before = log.count
      try await Task.sleep(for: .seconds(60))
      let good = log.count - before
      kill(service.pid, SIGTERM)
      let run = await log.whole
      await scene.end()
      let bad = run.errors.split(separator: "\n").count { line in
        line.contains("ok=false") && !dead.contains { line.contains($0) } && !line.contains("failure=stopped")
      }
      return (good, bad)
    }
    let alone = try await run(without: 3)
    let beside = try await run(without: 0)
    print("fairness, \(link): \(alone.good) good polls of the ten alone, \(beside.good) beside the three; failed \(beside.bad)")
    #expect(alone.good > 250)
    #expect(abs(Double(beside.good) / Double(alone.good) - 1) <= 0.02)
    #expect(alone.bad == 0 && beside.bad == 0)
  }

  /// By the default link. By bluetoothd's each worker would read what bluetoothd lists of all two hundred, which nobody has.
  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.kernel])
  func `two hundred modules on eight adapters are all polled in time`(link: LinkKind) async throws {
    let fleet = Fleet(addresses: Self.addresses(200), adapters: 8)
    let scene = try await Scene.start(fleet.setup)
    let sockets = link == .kernel ? ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets] : [:]
    let service = try await scene.start(["run"], config: fleet.config(link, interval: "30s"), more: sockets)
    let log = ServiceLog(of: service) { _ in false }
    // The first round, and three more.
    try await Task.sleep(for: .seconds(30))
    let before = try #require(ProcessTable.usage(of: service.pid))
    let start = ContinuousClock.now
    try await Task.sleep(for: .seconds(50))
    let after = try #require(ProcessTable.usage(of: service.pid))
    let share = (after.cpu - before.cpu) / start.duration(to: .now)
    let status = try await scene.blupow(["status", "--json"]).output
    let now = try Wire.decode(FleetStatus.self, from: Array(status.utf8))
    let lag = try #require(now.lagP99)
    print(
      "scale, \(link): lag p99 \(lag) ms, skipped \(now.skippedPolls), supervisor \((share * 1000).rounded() / 10) % of a core, \(after.residentKiB) KiB"
    )
    #expect(now.skippedPolls == 0)
    #expect(now.devices.count == 200 && now.devices.allSatisfy { $0.successRate == 1 && $0.status == .connected })
    kill(service.pid, SIGTERM)
    #expect(await log.whole.exitCode == 0)
    await scene.end()
  }
}
