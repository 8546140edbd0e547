import FoundationEssentials
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// SIGHUP: the configuration is read again.
@Suite struct ReloadTests {
  private static let first = "D8:B6:73:BF:4F:75"
  private static let second = "D8:B6:73:BF:4F:76"

  private static let setup = {
    let modules = [first, second].map { address in
      """
      {"address":"\(address)","known":true,"name":"BTRIC134000035   ","delays":\(Scene.fast),
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}
      """
    }
    return "{\"modules\":[\(modules.joined(separator: ","))]}"
  }()

  private static func config(_ devices: [String: String], interval: String = "1s") -> String {
    let lines = devices.sorted { $0.key < $1.key }.map { name, address in
      "  - {name: '\(name)', address: '\(address)', profile: inverter, unit: 32}\n"
    }
    return "interval: \(interval)\nlink: bluez\ndevices:\n\(lines.joined())"
  }

  /// A service and the file that it reads.
  private func start(_ scene: Scene, _ config: String) async throws -> (service: Child, path: String, log: ServiceLog) {
    let path = "\(scene.simulation.directory)/reload.yaml"
    try scene.write(config, to: path)
    let service = try await scene.start(["run", "-v", "--config", path])
    return (service, path, ServiceLog(of: service) { $0.contains("ok=true") })
  }

  /// Polls of that module, by the simulator's journal, from now on.
  private func polls(_ scene: Scene, of address: String, _ count: Int) async throws {
    for _ in 0..<count {
      let mark = scene.journal.count
      _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") && $0.contains(address) }
    }
  }

  private func end(_ service: Child, _ log: ServiceLog, _ scene: Scene) async throws -> CommandRun {
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.exitCode == 0, "\(run.errors.suffix(1500))")
    #expect(try await scene.quiet() != nil)
    await scene.end()
    return run
  }

  @Test(.timeLimit(.minutes(5))) func `a device that is new is polled, the others go on, and one that is gone is not`()
    async throws
  {
    let scene = try await Scene.start(Self.setup)
    let (service, path, log) = try await start(scene, Self.config(["A": Self.first]))
    try await polls(scene, of: Self.first, 1)
    try scene.write(Self.config(["A": Self.first, "B": Self.second]), to: path)
    kill(service.pid, SIGHUP)
    try await polls(scene, of: Self.second, 2)
    try await polls(scene, of: Self.first, 1)
    #expect(try await names(scene) == ["A", "B"])
    try scene.write(Self.config(["B": Self.second]), to: path)
    kill(service.pid, SIGHUP)
    try await until { try await names(scene) == ["B"] }
    let mark = scene.journal.count
    try await polls(scene, of: Self.second, 3)
    #expect(!scene.journal.lines[mark...].contains { $0.contains("connect_asked") && $0.contains(Self.first) })
    // One that comes back is polled as at first.
    try scene.write(Self.config(["A": Self.first, "B": Self.second]), to: path)
    kill(service.pid, SIGHUP)
    try await polls(scene, of: Self.first, 2)
    let run = try await end(service, log, scene)
    // The other one's polls went on as they were: one status, told once.
    #expect(run.errors.components(separatedBy: "B is connected").count == 2, "\(run.errors)")
    #expect(run.errors.components(separatedBy: "configuration read again").count == 4)
  }

  @Test(.timeLimit(.minutes(5))) func `one that is removed in the middle of a poll is let go, and its link is freed`()
    async throws
  {
    let scene = try await Scene.start(Self.setup)
    _ = try await scene.tell(#"{"do":"faults","address":"\#(Self.first)","faults":[{"fault":"silent"}]}"#)
    let (service, path, log) = try await start(scene, Self.config(["A": Self.first, "B": Self.second]))
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"request\"") && $0.contains(Self.first) }
    try scene.write(Self.config(["B": Self.second]), to: path)
    let mark = scene.journal.count
    kill(service.pid, SIGHUP)
    _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") && $0.contains(Self.first) }
    try await polls(scene, of: Self.second, 2)
    _ = try await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(5))) func `an invalid file is refused with its place, and the old one stays in force`() async throws {
    let scene = try await Scene.start(Self.setup)
    let (service, path, log) = try await start(scene, Self.config(["A": Self.first]))
    try await polls(scene, of: Self.first, 1)
    try scene.write("interval: 5 minutes\n", to: path)
    kill(service.pid, SIGHUP)
    try await until { try await problems(scene).contains("config_refused") }
    try await polls(scene, of: Self.first, 2)
    #expect(try await names(scene) == ["A"])
    try scene.write(Self.config(["A": Self.first]), to: path)
    kill(service.pid, SIGHUP)
    try await until { try await problems(scene) == [] }
    let run = try await end(service, log, scene)
    #expect(run.errors.contains("reload.yaml:1:11: interval: '5 minutes' is not a duration"), "\(run.errors)")
    #expect(run.errors.contains("config_refused is over"))
  }

  @Test(.timeLimit(.minutes(5))) func `in a directory of systemd's every module has its lock file, that everybody may read`()
    async throws
  {
    let scene = try await Scene.start(Self.setup)
    let path = "\(scene.simulation.directory)/reload.yaml"
    let runtime = "\(scene.simulation.directory)/runtime"
    mkdir(runtime, 0o755)
    try scene.write(Self.config(["A": Self.first]), to: path)
    let service = try await scene.start(["run", "-v", "--config", path], more: ["RUNTIME_DIRECTORY": runtime])
    let log = ServiceLog(of: service) { _ in false }
    try await polls(scene, of: Self.first, 1)
    func mode(_ name: String) -> mode_t? {
      var status = stat()
      return stat("\(runtime)/lock/\(name)", &status) == 0 ? status.st_mode & 0o777 : nil
    }
    #expect(mode("") == 0o755 && mode(Self.first) == 0o644 && mode(Self.second) == nil)
    try scene.write(Self.config(["A": Self.first, "B": Self.second]), to: path)
    kill(service.pid, SIGHUP)
    try await polls(scene, of: Self.second, 1)
    #expect(mode(Self.second) == 0o644)
    _ = try await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(5))) func `a shorter interval counts at once`() async throws {
    let scene = try await Scene.start(Self.setup)
    let (service, path, log) = try await start(scene, Self.config(["A": Self.first], interval: "300s"))
    try await polls(scene, of: Self.first, 1)
    try scene.write(Self.config(["A": Self.first]), to: path)
    kill(service.pid, SIGHUP)
    try await polls(scene, of: Self.first, 2)
    _ = try await end(service, log, scene)
  }

  @Test(.timeLimit(.minutes(1))) func `what is served over TCP goes to another port, and away`() async throws {
    let scene = try await Scene.start(Self.setup)
    func config(_ port: Int?) -> String {
      Self.config(["A": Self.first]) + (port.map { "http: {listen: '127.0.0.1:\($0)'}\n" } ?? "")
    }
    func answer(_ port: Int) async throws -> String? {
      guard let conversation = try? Conversation(port: port) else { return nil }
      conversation.say("GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return try await conversation.rest()
    }
    let (first, second) = (try Broker.freePort(), try Broker.freePort())
    let (service, path, log) = try await start(scene, config(first))
    try await until { try await answer(first)?.contains("\"battery_voltage\"") == true }
    for (port, old) in [(second, first), (nil, second)] {
      try scene.write(config(port), to: path)
      kill(service.pid, SIGHUP)
      try await until { try await answer(old) == nil }
      if let port { try await until { try await answer(port)?.hasPrefix("HTTP/1.1 200 ") == true } }
    }
    let run = try await end(service, log, scene)
    #expect(
      run.errors.contains("served at http://127.0.0.1:\(first)/") && run.errors.contains("served at http://127.0.0.1:\(second)/"))
  }

  /// Asks again and again; the test's time limit ends what does not come.
  private func until(_ body: () async throws -> Bool) async throws {
    while try await !body() { try Task.checkCancellation() }
  }

  private func status(_ scene: Scene) async throws -> String { try await scene.blupow(["status", "--json"]).output }

  private func names(_ scene: Scene) async throws -> [String] {
    try await status(scene).matches(of: /"name" : "([A-Z])"/).map { String($0.1) }
  }

  private func problems(_ scene: Scene) async throws -> [String] {
    try await status(scene).matches(of: /"name" : "([a-z_]+)"/).map { String($0.1) }
  }
}
