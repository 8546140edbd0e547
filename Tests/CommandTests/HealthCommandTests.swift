import Foundation
import Glibc
import Policy
import Publishers
import Readings
import Rig
import Supervisor
import Testing

/// `blupow health` of a real service: a real bus, a real socket.
@Suite struct HealthCommandTests {
  /// A service whose first poll has ended, and which makes another one when it is asked to.
  private func service(_ scene: Scene, _ config: String = StatusCommandTests.config) async throws -> (Child, StatusClient) {
    let child = try await scene.start(["run"], config: config)
    let client = StatusClient([try SocketPath(directory: "\(scene.simulation.directory)/blupow")])
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    return (child, client)
  }

  private func end(_ child: Child) async {
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
  }

  /// By both kinds of exit code.
  private func check(
    _ scene: Scene, _ more: [String] = [], is word: String, _ code: Int32, docker: Int32,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    // On a busy machine two seconds are no time.
    let more = more.contains("--timeout") ? more : more + ["--timeout", "30s"]
    let run = try await scene.blupow(["health"] + more)
    #expect(run.exitCode == code, "\(run.output)\(run.errors)", sourceLocation: sourceLocation)
    #expect(run.output.hasPrefix("BLUPOW \(word) - "), "\(run.output)", sourceLocation: sourceLocation)
    #expect(run.output.count { $0 == "\n" } == 1 && run.errors.isEmpty, "\(run.errors)", sourceLocation: sourceLocation)
    let docked = try await scene.blupow(["health", "--docker"] + more)
    #expect(docked.exitCode == docker, "\(docked.output)", sourceLocation: sourceLocation)
    #expect(docked.output.hasPrefix("BLUPOW \(word) - "), sourceLocation: sourceLocation)
    return run.output
  }

  @Test(.timeLimit(.minutes(10))) func `the four states of a running service, with a plugin's exit codes and a container's`()
    async throws
  {
    let scene = try await Scene.one()
    let (child, client) = try await service(scene)
    var line = try await check(scene, is: "OK", 0, docker: 0)
    #expect(line.contains("1 device: starting, the service is "), "\(line)")
    line = try await check(scene, ["--starting", "0"], is: "OK", 0, docker: 0)
    #expect(line.contains("1 device: all connected | 'devices'=1;;;0"), "\(line)")
    #expect(line.contains("'Inverter success_rate'=100%;80:;;0;100 "), "\(line)")

    _ = try await scene.tell(#"{"do":"faults","address":"D8:B6:73:BF:4F:75","faults":[{"fault":"wrong_crc"}]}"#)
    for _ in 1...3 { _ = try await client.poll(devices: ["Inverter"]) }
    line = try await check(scene, ["--starting", "0"], is: "WARNING", 1, docker: 0)
    #expect(line.contains("Inverter offline, read "), "\(line)")
    #expect(
      line.contains(", 3 failures in a row, 25.0 % of its polls succeeded (bad_frames); problems: module_failing | "), "\(line)")
    // The thresholds are options.
    line = try await check(scene, ["--starting", "0", "--critical-failures", "3"], is: "CRITICAL", 2, docker: 1)
    line = try await check(scene, is: "OK", 0, docker: 0)

    for _ in 1...2 { _ = try await client.poll(devices: ["Inverter"]) }
    line = try await check(scene, ["--starting", "0", "--device", "Inverter"], is: "CRITICAL", 2, docker: 1)
    #expect(line.contains(", 5 failures in a row, "), "\(line)")

    line = try await check(scene, ["--device", "Toaster"], is: "UNKNOWN", 3, docker: 1)
    #expect(line == "BLUPOW UNKNOWN - No device is called 'Toaster'; there are: Inverter.\n")

    // Stopped it has a socket, and says nothing.
    kill(child.pid, SIGSTOP)
    line = try await check(scene, ["--timeout", "300ms"], is: "UNKNOWN", 3, docker: 1)
    #expect(line.contains("did not answer within 0.3 s"), "\(line)")
    kill(child.pid, SIGCONT)
    _ = try await check(scene, is: "OK", 0, docker: 0)
    await end(child)

    line = try await check(scene, is: "CRITICAL", 2, docker: 1)
    #expect(line.hasPrefix("BLUPOW CRITICAL - No blupow service is running: nobody listens at "), "\(line)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(10))) func `a device that was never read is critical, and judged alone where it is named`()
    async throws
  {
    let scene = try await Scene.one()
    let (child, client) = try await service(
      scene,
      """
      interval: 300s
      timeout: 10s
      devices:
        - {name: Inverter, address: "D8:B6:73:BF:4F:75", profile: inverter, unit: 32}
        - {name: Lost, address: "AA:BB:CC:00:11:22", profile: inverter}
      """)
    _ = try await client.poll(devices: ["Inverter", "Lost"])
    let line = try await check(scene, ["--starting", "0"], is: "CRITICAL", 2, docker: 1)
    #expect(line.contains("2 devices: Lost unavailable"), "\(line)")
    #expect(line.contains("'devices_available'=1;;;0") && line.contains("'Lost age_s'=U"), "\(line)")
    let own = try await check(scene, ["--starting", "0", "--device", "Inverter"], is: "OK", 0, docker: 0)
    #expect(own.contains("1 device: all connected") && !own.contains("Lost"), "\(own)")
    await end(child)
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(10)),
    arguments: [
      ["--success-rate", "101"], ["--success-rate", "most"], ["--warning-failures", "0"],
      ["--warning-failures", "6"], ["--starting", "-1"], ["--timeout", "0s"], ["--timeout", "soon"], ["--for", "2s"],
    ])
  func `a wrong argument is one, and no state`(arguments: [String]) async throws {
    let scene = try await Scene.start("{}")
    let run = try await scene.blupow(["health"] + arguments)
    #expect(run.exitCode == 64)
    #expect(run.output.isEmpty && run.errors.contains(arguments[0]), "\(run.errors)")
    await scene.end()
  }
}
