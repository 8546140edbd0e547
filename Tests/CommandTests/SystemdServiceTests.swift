import Glibc
import Rig
import Supervisor
import Testing

/// `blupow run` under a service manager: a real socket that hears what systemd would.
@Suite struct SystemdServiceTests {
  private static let config = """
    interval: 1s
    timeout: 10s
    link: bluez
    devices:
      - {name: Inverter, address: '\(Scene.address)', profile: inverter, unit: 32}

    """

  private func start(
    _ scene: Scene, watchdogSeconds: Int? = nil, worker: String? = nil, more: [String: String] = [:]
  ) async throws -> (service: Child, manager: NotifyListener, log: ServiceLog, path: String) {
    let manager = try NotifyListener(NotifyListener.freeName)
    var environment = more.merging(["NOTIFY_SOCKET": manager.name]) { $1 }
    if let watchdogSeconds { environment["WATCHDOG_USEC"] = "\(watchdogSeconds)000000" }
    let path = "\(scene.simulation.directory)/systemd.yaml"
    try scene.write(Self.config, to: path)
    let service = try await scene.start(["run", "--config", path], worker: worker, more: environment)
    return (service, manager, ServiceLog(of: service) { _ in false }, path)
  }

  private func end(_ service: Child, _ log: ServiceLog, _ scene: Scene) async {
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.exitCode == 0, "\(run.errors.suffix(1500))")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `it is ready when it can be asked, tells how the fleet is, and that it ends`() async throws
  {
    let scene = try await Scene.one()
    let (service, manager, log, _) = try await start(scene)
    let ready = try #require(try await manager.next())
    #expect(ready.first == "READY=1" && ready.last?.hasPrefix("STATUS=1 device: ") == true, "\(ready)")
    #expect(try await scene.blupow(["status"]).exitCode == 0, "it said that it was ready")
    if ready.last != "STATUS=1 device: 1 connected" {
      #expect(try await manager.next { $0 == ["STATUS=1 device: 1 connected"] } != nil)
    }
    kill(service.pid, SIGTERM)
    let stopping = try await manager.next { $0.first == "STOPPING=1" }
    #expect(stopping?.last?.hasPrefix("STATUS=Ending") == true)
    await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(5))) func `where nobody can ask it, it is ready all the same`() async throws {
    let scene = try await Scene.one()
    let (service, manager, log, _) = try await start(scene, more: ["RUNTIME_DIRECTORY": "/nonexistent"])
    #expect(try await manager.next()?.first == "READY=1")
    await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(5))) func `what is wrong is told, and that it is over`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"silent"}]"#)
    let (service, manager, log, _) = try await start(scene)
    let silent = try #require(try await manager.next { $0.last?.contains("Inverter: silent: ") == true })
    #expect(silent.last?.hasPrefix("STATUS=1 device: 1 disconnected. Inverter: silent: ") == true)
    _ = try await scene.tell(#"{"do":"faults","address":"\#(Scene.address)","faults":[]}"#)
    #expect(try await manager.next { $0 == ["STATUS=1 device: 1 connected"] } != nil)
    await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(5))) func `a reload begins and ends, whether the file is right or wrong`() async throws {
    let scene = try await Scene.one()
    let (service, manager, log, path) = try await start(scene)
    _ = try await manager.next { $0.first == "READY=1" }
    for text in [Self.config + "grace: 20m\n", "interval: never\n"] {
      try scene.write(text, to: path)
      kill(service.pid, SIGHUP)
      let reloading = try #require(try await manager.next { $0.first == "RELOADING=1" })
      #expect(reloading.last?.hasPrefix("MONOTONIC_USEC=") == true)
      #expect(try await manager.next { $0 == ["READY=1"] } != nil)
    }
    #expect(try await manager.next { $0.last?.contains("config_refused") == true } != nil)
    await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(5))) func `it feeds the watchdog in time, and not while it hangs`() async throws {
    let scene = try await Scene.one()
    let limit = Duration.seconds(4)
    let (service, manager, log, _) = try await start(scene, watchdogSeconds: 4)
    for _ in 0..<3 { #expect(try await manager.next(within: limit) { $0 == ["WATCHDOG=1"] } != nil) }
    await service.freeze()
    try await manager.drain()
    #expect(try await manager.next(within: limit) == nil)
    kill(service.pid, SIGCONT)
    #expect(try await manager.next { $0 == ["WATCHDOG=1"] } != nil)
    await end(service, log, scene)
  }

  /// The process lives, and all else in it goes on.
  @Test(.timeLimit(.minutes(5))) func `it is not fed while its gateway answers nobody`() async throws {
    let scene = try await Scene.one()
    let stall = "\(scene.simulation.directory)/clock"
    let limit = Duration.seconds(4)
    let (service, manager, log, _) = try await start(scene, watchdogSeconds: 4, more: Self.stalls(at: stall))
    #expect(try await manager.next(within: limit) { $0 == ["WATCHDOG=1"] } != nil)
    try scene.write("", to: stall)
    // The poll that runs into it has begun, perhaps, and a feeding is on its way.
    try await manager.silence(of: "WATCHDOG=1", for: limit)
    #expect(unlink(stall) == 0)
    #expect(try await manager.next { $0 == ["WATCHDOG=1"] } != nil)
    await end(service, log, scene)
  }

  /// While its gateway answers.
  @Test(.enabled(if: getenv("BLUPOW_TEST_LONG") != nil, "two minutes"), .timeLimit(.minutes(10)))
  func `it is not fed while its schedule stands still`() async throws {
    let scene = try await Scene.one()
    let stall = "\(scene.simulation.directory)/spawn"
    let (service, manager, log, _) = try await start(scene, watchdogSeconds: 4, more: Self.stalls(at: stall))
    #expect(try await manager.next { $0 == ["WATCHDOG=1"] } != nil)
    try scene.write("", to: stall)
    // A deadline of 10 s, 10 s for its end, and a minute's patience.
    try await manager.silence(of: "WATCHDOG=1", for: .seconds(8), within: .seconds(120))
    #expect(try await scene.blupow(["status"]).exitCode == 0)
    #expect(unlink(stall) == 0)
    #expect(try await manager.next(within: .seconds(30)) { $0 == ["WATCHDOG=1"] } != nil)
    kill(service.pid, SIGTERM)
    let errors = await log.whole.errors
    #expect(errors.ranges(of: "the schedule stands still").count == 1, "\(errors.suffix(1500))")
    #expect(errors.ranges(of: "the schedule moves again").count == 1)
    await scene.end()
  }

  private static func stalls(at path: String) -> [String: String] {
    ["LD_PRELOAD": Built.path("libStandInStall.so"), "STAND_IN_STALL": path]
  }

  @Test(.timeLimit(.minutes(5))) func `workers know nothing of the manager`() async throws {
    let scene = try await Scene.one()
    let directory = scene.simulation.directory
    let worker = "\(directory)/worker"
    try scene.write(
      "#!/bin/sh\nenv >'\(directory)/environment'\nexec '\(Built.path("blupow-worker"))' \"$@\"\n", to: worker, isProgram: true)
    let (service, manager, log, _) = try await start(scene, watchdogSeconds: 4, worker: worker)
    #expect(try await manager.next { $0.contains("STATUS=1 device: 1 connected") } != nil)
    let environment = try #require(Processes.read("\(directory)/environment"))
    #expect(
      environment.contains("DBUS_SYSTEM_BUS_ADDRESS=") && !environment.contains("NOTIFY") && !environment.contains("WATCHDOG"))
    await end(service, log, scene)
  }
}
