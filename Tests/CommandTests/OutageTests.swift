import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// bluetoothd goes and comes: no module has to pay for it.
@Suite struct OutageTests {
  private static let addresses = (0..<10).map { "D8:B6:73:BF:4F:7\($0)" }

  private static let setup = {
    let modules = addresses.map { address in
      """
      {"address":"\(address)","known":true,"name":"BTRIC134000035   ","delays":\(Scene.fast),
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}
      """
    }
    return "{\"modules\":[\(modules.joined(separator: ","))]}"
  }()

  /// Nobody would be polled again within this test, were it for the interval.
  private static let config = {
    let devices = addresses.map { "  - {name: '\($0)', address: '\($0)', profile: inverter, unit: 32}\n" }
    return "interval: 300s\nlink: bluez\nprobe_every: 1s\ndevices:\n\(devices.joined())"
  }()

  private func fleet(_ scene: Scene) async throws -> FleetStatus {
    try Wire.decode(FleetStatus.self, from: Array(try await scene.blupow(["status", "--json"]).output.utf8))
  }

  private func wait(_ scene: Scene, for match: (FleetStatus) -> Bool) async throws -> FleetStatus {
    while true {
      try Task.checkCancellation()
      if let fleet = try? await fleet(scene), match(fleet) { return fleet }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `ten modules are polled at once when bluetoothd returns, none backed off and none with a longer deadline`() async throws {
    let scene = try await Scene.start(Self.setup)
    let service = try await scene.start(["run"], config: Self.config)
    let log = ServiceLog(of: service) { _ in false }
    _ = try await wait(scene) { $0.devices.allSatisfy { $0.status == .connected } }
    scene.simulation.simulator.kill(SIGKILL)
    try await scene.untilSimulatorIsGone()
    // Four failures of each: two would be enough for a longer interval, if they were the module's.
    for _ in 1...4 { _ = try await scene.blupow(["poll"], config: Self.config) }
    let away = try await fleet(scene)
    #expect(away.devices.allSatisfy { $0.failure?.failure == .daemonMissing && $0.consecutiveFailures == 4 })
    #expect(away.devices.allSatisfy { $0.status == .offline && $0.deadline == .seconds(25) })
    #expect(away.problems.map(\.name) == [.busAway])

    let again = try await Spawner.shared.start(
      Command(
        path: Built.path("blupow-simulator"),
        arguments: ["--control", "--config", "\(scene.simulation.directory)/simulator.json"],
        environment: ["DBUS_SYSTEM_BUS_ADDRESS": scene.simulation.busAddress], keepsInputOpen: true),
      limits: .command, deadline: .seconds(60))
    let start = ContinuousClock.now
    let back = try await wait(scene) { $0.devices.allSatisfy { $0.status == .connected } }
    #expect(start.duration(to: .now) < .seconds(20))
    #expect(back.devices.allSatisfy { $0.consecutiveFailures == 0 && $0.deadline == .seconds(25) })
    #expect(back.problems == [])
    kill(service.pid, SIGTERM)
    let run = await log.whole
    // Once when it began and once when it ended, whoever suffered from it.
    #expect(run.errors.split(separator: "\n").count { $0.contains("bus_away") } == 2, "\(run.errors)")
    again.stop()
    for await _ in again.output {}
    await scene.end()
  }
}
