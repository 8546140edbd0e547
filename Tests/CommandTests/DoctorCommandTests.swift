import Foundation
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// `blupow doctor`: each fault is made for real, and is found, and nothing else is.
@Suite struct DoctorCommandTests {
  struct Report: Decodable {
    struct Entry: Decodable {
      var check: String
      var device: String?
      var verdict: String
      var failure: String?
      var message: String
      var advice: String?
      var by: String

      enum CodingKeys: String, CodingKey { case check, device, verdict, failure = "class", message, advice, by }
    }

    var well: Bool
    var checks: [Entry]

    func entry(_ check: String) -> Entry? { checks.first { $0.check == check } }
    func verdict(_ check: String) -> String? { entry(check)?.verdict }
  }

  static let config = "timeout: 10s\n" + PollCommandTests.config

  private static func two(_ module: String = "", top: String = "") -> String {
    """
    {\(top)"modules":[{\(module)"address":"D8:B6:73:BF:4F:75","name":"BTRIC134000035   ","delays":\(Scene.fast),
      "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]},
      {"address":"AA:BB:CC:00:11:22","name":"Fridge","delays":\(Scene.fast),"devices":[]}]}
    """
  }

  private func scene(_ module: String = "", top: String = "", busPolicy: String = "") async throws -> Scene {
    try await Scene.start(Self.two(module.isEmpty ? "" : module + ",", top: top.isEmpty ? "" : top + ","), busPolicy: busPolicy)
  }

  /// By a clock that is right.
  private func run(
    _ scene: Scene, _ arguments: [String] = [], config: String? = config, worker: String? = nil, more: [String: String] = [:],
    through: [String] = []
  ) async throws -> CommandRun {
    var environment = ["LD_PRELOAD": Built.path("libStandInClock.so"), "STAND_IN_CLOCK": "synchronised"]
    environment.merge(more) { $1 }
    return try await scene.blupow(["doctor"] + arguments, config: config, worker: worker, more: environment, through: through)
  }

  private func report(
    _ scene: Scene, config: String? = config, worker: String? = nil, more: [String: String] = [:], through: [String] = []
  ) async throws -> Report {
    let run = try await run(scene, ["--json"], config: config, worker: worker, more: more, through: through)
    let report = try Wire.decode(Report.self, from: Array(run.output.utf8))
    WireRecord.keep([run.output.split(separator: "\n").joined(separator: " ")], "blupow.doctor")
    #expect(run.exitCode == (report.well ? 0 : 1), "\(run.errors)")
    #expect(run.errors == "")
    return report
  }

  /// The only fault. Its advice names a command.
  private func fault(
    _ scene: Scene, config: String? = config, worker: String? = nil, more: [String: String] = [:], through: [String] = []
  ) async throws -> Report.Entry {
    let report = try await report(scene, config: config, worker: worker, more: more, through: through)
    let faults = report.checks.filter { $0.verdict == "fault" }
    #expect(faults.count == 1, "\(report.checks)")
    let fault = try #require(faults.first)
    #expect(fault.advice?.contains("`") == true, "\(fault)")
    #expect(!report.well)
    // What did not get a word of its own was skipped for it; only where no bluetoothd is in PATH its version is not known.
    let odd = report.checks.filter { $0.verdict == "unknown" && $0.check != "bluez" }
    #expect(odd.isEmpty, "\(odd)")
    return fault
  }

  // MARK: All well

  @Test(.timeLimit(.minutes(5))) func `where all is well nothing is found, and nothing is left`() async throws {
    let scene = try await scene()
    let directory = scene.simulation.directory
    let report = try await report(scene, more: ["BLUPOW_STATE_DIR": "\(directory)/kept", "PATH": "/usr/bin:/bin"])
    #expect(report.well)
    #expect(report.checks.map(\.verdict).filter { $0 != "ok" } == ["unknown"], "\(report.checks)")
    #expect(report.verdict("bluez") == "unknown")
    #expect(report.entry("device")?.message.contains("RIV4835CSH1S answers: \(Scene.inverterReadings) readings") == true)
    #expect(report.checks.allSatisfy { $0.by == "doctor" })
    #expect(try await scene.isQuiet())
    for path in ["kept", "blupow"] { #expect(access("\(directory)/\(path)", F_OK) != 0, "\(path) was left") }
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `for people it is a line a check, without colours where nobody looks on`() async throws {
    let scene = try await scene(#""advertising":true"#, top: #""adapters":[{"name":"hci0","powered":false}]"#)
    let run = try await run(scene)
    #expect(run.exitCode == 1)
    let lines = run.output.split(separator: "\n").map(String.init)
    let fault = try #require(
      lines.firstIndex { $0.hasPrefix("FAULT    adapter     Bluetooth adapter hci0 is off.") }, "\(run.output)")
    #expect(lines[fault + 1].contains("`bluetoothctl power on`"))
    #expect(lines.contains { $0.hasPrefix("skipped  device      Not asked: adapter comes first.") })
    #expect(lines.last == "1 fault. 1 could not be told.")
    #expect(!run.output.contains("\u{1B}"))
    await scene.end()
  }

  // MARK: Bus and bluetoothd

  @Test(.timeLimit(.minutes(5))) func `no system bus`() async throws {
    let scene = try await scene()
    let fault = try await fault(scene, more: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(scene.simulation.directory)/no-bus"])
    #expect(fault.check == "bus" && fault.failure == "bus_missing")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a bus that hangs`() async throws {
    let scene = try await scene()
    await scene.simulation.bus.freeze()
    let fault = try await fault(scene)
    #expect(fault.check == "bus" && fault.failure == "bus_silent")
    scene.simulation.bus.kill(SIGCONT)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a bus that refuses this user`() async throws {
    let scene = try await scene(busPolicy: #"<deny send_destination="org.bluez"/>"#)
    let fault = try await fault(scene)
    #expect(fault.check == "bus" && fault.failure == "access_denied")
    #expect(fault.advice?.contains("usermod -aG bluetooth") == true)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `no bluetoothd, and none is started`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "blupow-services-\(UInt32.random(in: 0 ... .max))")
      .path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let service = "[D-BUS Service]\nName=org.bluez\nUser=\(NSUserName())\nExec=/usr/bin/touch \(directory)/started\n"
    try Data(service.utf8).write(to: URL(filePath: "\(directory)/org.bluez.service"))
    let scene = try await scene(busPolicy: "</policy><servicedir>\(directory)</servicedir><policy context=\"default\">")
    scene.simulation.simulator.kill(SIGKILL)
    try await scene.untilSimulatorIsGone()
    let fault = try await fault(scene)
    #expect(fault.check == "bluetoothd" && fault.failure == "daemon_missing")
    #expect(access("\(directory)/started", F_OK) != 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a bluetoothd that hangs`() async throws {
    let scene = try await scene()
    await scene.simulation.simulator.freeze()
    let fault = try await fault(scene)
    #expect(fault.check == "bluetoothd" && fault.failure == "daemon_silent")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a bluetoothd of known faults, by what it prints`() async throws {
    let scene = try await scene()
    let directory = scene.simulation.directory
    try scene.write("#!/bin/sh\necho 5.50\n", to: "\(directory)/bluetoothd", isProgram: true)
    let fault = try await fault(scene, more: ["PATH": "\(directory):/usr/bin:/bin"])
    #expect(fault.check == "bluez" && fault.message.hasPrefix("\(directory)/bluetoothd is 5.50, which has known faults"))
    await scene.end()
  }

  // MARK: The adapter

  @Test(.timeLimit(.minutes(5))) func `no adapter`() async throws {
    let scene = try await scene()
    _ = try await scene.tell(#"{"do":"remove_adapter","adapter":"hci0"}"#)
    let fault = try await fault(scene)
    #expect(fault.check == "adapter" && fault.failure == "adapter_missing")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [(false, "is off."), (true, "is blocked by rfkill.")])
  func `an adapter that is off, or blocked`(isBlocked: Bool, message: String) async throws {
    let scene = try await scene(top: #""adapters":[{"name":"hci0","powered":false,"blocked":\#(isBlocked)}]"#)
    let fault = try await fault(scene)
    #expect(fault.check == "adapter" && fault.failure == "adapter_off")
    #expect(fault.message == "Bluetooth adapter hci0 \(message)")
    #expect(fault.advice?.hasPrefix("`rfkill unblock bluetooth`") == isBlocked)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a scan that hears nobody at all`() async throws {
    let scene = try await scene(#""faults":[{"fault":"discovers_nobody"}]"#)
    let fault = try await fault(scene)
    #expect(fault.check == "scan" && fault.message == "Nobody at all was heard in 15.0 s.")
    await scene.end()
  }

  // MARK: Devices

  /// By either link.
  private func radio(_ scene: Scene, _ link: LinkKind) -> [String: String] {
    link == .kernel ? ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets] : [:]
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.bluez, .kernel])
  func `a device that is not heard, while others are`(link: LinkKind) async throws {
    let scene = try await scene(#""advertising":false"#)
    let fault = try await fault(scene, more: radio(scene, link))
    #expect(fault.check == "device" && fault.device == "Inverter" && fault.failure == "not_seen")
    #expect(fault.message.contains("was not heard, while 1 other was."))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.bluez, .kernel])
  func `a device that another program on this host has, and who may have it`(link: LinkKind) async throws {
    let scene = try await scene()
    let other = try await BusClient(scene.world.busAddress)
    try await other.scan(for: scene.address)
    _ = try await other.connect(scene.address)
    let fault = try await fault(scene, more: radio(scene, link))
    #expect(fault.check == "device" && fault.failure == "busy")
    #expect(fault.advice?.contains("(process \(getpid()))") == true, "\(fault)")
    #expect(fault.advice?.contains("`bluetoothctl disconnect \(scene.address)`") == true)
    #expect(try await scene.state().contains(#""links":["\#(scene.address)"]"#), "its link was left alone")
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (#"{"fault":"no_characteristics"}"#, "wrong_profile"), (#"{"fault":"silent"}"#, "silent"),
      (#"{"fault":"exception","code":2}"#, "modbus_exception"),
    ])
  func `a device that connects, and is another or says nothing`(fault wanted: String, failure: String) async throws {
    let scene = try await scene(#""faults":[\#(wanted)]"#)
    let fault = try await fault(scene)
    #expect(fault.check == "device" && fault.failure == failure, "\(fault)")
    #expect(fault.advice?.contains("`blupow-worker identify --address \(scene.address)`") == true)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `of those behind one module that is away one is the fault`() async throws {
    let scene = try await Scene.start(
      #"{"modules":[{"address":"AA:BB:CC:00:11:22","name":"Fridge","delays":\#(Scene.fast),"devices":[]}]}"#)
    let report = try await report(
      scene,
      config: """
        timeout: 10s
        devices:
          - {name: One, address: "D8:B6:73:BF:4F:75", profile: battery, unit: 48}
          - {name: Two, address: "D8:B6:73:BF:4F:75", profile: battery, unit: 49}
        """)
    #expect(report.checks.filter { $0.check == "device" }.map(\.verdict) == ["fault", "skipped"])
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `who stops it while it polls has no link and no file left`() async throws {
    let scene = try await scene(#""faults":[{"fault":"silent"}]"#)
    let child = try await scene.start(["doctor"], config: Self.config)
    _ = try await scene.journal.wait { $0.contains("\"request\"") }
    kill(child.pid, SIGINT)
    #expect(await Scene.hear(child).exitCode == 75)
    #expect(try await scene.quiet() != nil)
    #expect(access("\(scene.simulation.directory)/blupow", F_OK) != 0)
    await scene.end()
  }

  // MARK: The broker

  @Test(.timeLimit(.minutes(5))) func `a broker's port at which nobody listens`() async throws {
    let (scene, port) = (try await scene(), try Broker.freePort())
    let fault = try await fault(scene, config: "mqtt: {host: 127.0.0.1, port: \(port)}\n" + Self.config)
    #expect(fault.check == "broker" && fault.message.contains("127.0.0.1:\(port) cannot be reached: Connection refused"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a broker that refuses the login, and one that takes it`() async throws {
    let (scene, closed) = (try await scene(), try await Broker("allow_anonymous false"))
    let fault = try await fault(scene, config: "mqtt: {host: 127.0.0.1, port: \(closed.port)}\n" + Self.config)
    #expect(fault.check == "broker" && fault.message.contains("refuses the login"))
    let untried = try await report(
      scene, config: "mqtt: {host: 127.0.0.1, port: \(closed.port), username: blupow}\n" + Self.config)
    #expect(untried.well && untried.verdict("broker") == "unknown", "the password may be the service's alone")
    await closed.leave()
    let open = try await Broker()
    let listener = try await Listener(open)
    let report = try await report(scene, config: "mqtt: {host: 127.0.0.1, port: \(open.port)}\n" + Self.config)
    #expect(report.well && report.entry("broker")?.message.contains("takes the login") == true)
    #expect(listener.retained.isEmpty)
    await listener.end()
    await open.leave()
    await scene.end()
  }

  // MARK: This host

  @Test(.timeLimit(.minutes(5)), .enabled(if: Disk.isToBeHad, "needs to mount a small tmpfs"), arguments: [false, true])
  func `a disk that is full, or read-only`(isReadOnly: Bool) async throws {
    let (scene, disk) = (try await scene(), try Disk(kibibytes: 4096))
    if isReadOnly { try disk.makeReadOnly() } else { disk.fill() }
    let fault = try await fault(scene, more: ["BLUPOW_STATE_DIR": "\(disk.path)/state"])
    #expect(fault.check == "state")
    #expect(fault.message.contains(isReadOnly ? "is on a read-only file system" : "is full"), "\(fault)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a clock that was never set`() async throws {
    let scene = try await scene()
    let fault = try await fault(scene, more: ["STAND_IN_CLOCK": "unset"])
    #expect(fault.check == "clock" && fault.message.contains("was never set"))
    #expect(fault.advice?.contains("`timedatectl set-ntp true`") == true)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a clock that is not synchronised is told, and is no fault`() async throws {
    let scene = try await scene()
    let report = try await report(scene, more: ["STAND_IN_CLOCK": "adrift"])
    let told = try #require(report.checks.first { $0.check == "clock" })
    #expect(report.well && told.verdict == "unknown" && told.message.contains("it is not synchronised"))
    #expect(told.advice?.contains("`timedatectl set-ntp true`") == true)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `too few descriptors`() async throws {
    let scene = try await scene()
    let fault = try await fault(scene, through: ["/bin/sh", "-c", #"ulimit -n 64; exec "$@""#, "sh"])
    #expect(fault.check == "limits" && fault.message.contains("only 64 files"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), .enabled(if: ControlGroup.exists("pids"), "needs to make a control group, as root"))
  func `too few processes`() async throws {
    let scene = try await scene()
    let group = try ControlGroup("pids")
    try group.set("pids.max", to: "24")
    let fault = try await fault(scene, through: ["/bin/sh", "-c", #"echo $$ > "\#(group.path)/cgroup.procs"; exec "$@""#, "sh"])
    #expect(fault.check == "limits" && fault.message.contains("of 24 (\(group.path)/pids.max)"), "\(fault)")
    group.remove()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `no worker, or one of another release`() async throws {
    let scene = try await scene()
    let missing = try await fault(scene, worker: "\(scene.simulation.directory)/no-worker")
    #expect(missing.check == "worker" && missing.failure == "worker_missing")
    let other = "\(scene.simulation.directory)/other-worker"
    try scene.write("#!/bin/sh\necho 'blupow-worker 9.9.9 (protocol 7)'\n", to: other, isProgram: true)
    let strange = try await fault(scene, worker: other)
    #expect(strange.check == "worker" && strange.failure == "version_unknown" && strange.message.contains("9.9.9"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `no configuration, or a wrong one`() async throws {
    let scene = try await scene()
    let path = "\(scene.simulation.directory)/none.yaml"
    let missing = try await fault(scene, config: nil, more: ["BLUPOW_CONFIG": path])
    #expect(missing.check == "config" && missing.message.hasPrefix("\(path): cannot be read: No such file or directory."))
    let wrong = try await fault(scene, config: Self.config + "\ncolour: red\n")
    #expect(wrong.check == "config" && wrong.message.contains("colour"))
    #expect(wrong.advice?.contains("`blupow config check ") == true)
    let secret = try await fault(scene, config: "mqtt: {username: blupow, password_file: /nonexistent/secret}\n" + Self.config)
    #expect(secret.check == "config" && secret.advice?.contains("`sudo -u blupow blupow doctor`") == true)
    await scene.end()
  }

  // MARK: Beside a service

  private func service(_ scene: Scene, _ config: String) async throws -> Child {
    let child = try await scene.start(["run"], config: config)
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    return child
  }

  @Test(.timeLimit(.minutes(5))) func `a running service is asked, and nothing is done beside it`() async throws {
    let scene = try await scene(#""faults":[{"fault":"silent"}]"#)
    let child = try await service(scene, "interval: 300s\n" + Self.config)
    let mark = scene.journal.count
    let fault = try await fault(scene)
    #expect(fault.check == "device" && fault.failure == "silent" && fault.by == "service")
    _ = try await scene.state()
    let deeds = scene.journal.lines[mark...].filter { line in
      ["discovery_started", "connect_asked", "linked"].contains { line.contains("\"saw\":\"\($0)\"") }
    }
    #expect(deeds.isEmpty)
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a service's trouble with its broker is told by its word`() async throws {
    let (scene, port) = (try await scene(), try Broker.freePort())
    let config = "mqtt: {host: 127.0.0.1, port: \(port)}\ninterval: 300s\n" + Self.config
    let child = try await service(scene, config)
    try await scene.untilStatus { $0.contains("broker_away") }
    let fault = try await fault(scene, config: config)
    #expect(fault.check == "broker" && fault.by == "service" && fault.message.contains("Connection refused"))
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a bluetoothd that is gone is told once, though the service misses it too`() async throws {
    let scene = try await scene()
    let child = try await service(scene, "interval: 1s\n" + Self.config)
    scene.simulation.simulator.kill(SIGKILL)
    try await scene.untilSimulatorIsGone()
    try await scene.untilStatus { $0.contains("bus_away") }
    let fault = try await fault(scene)
    #expect(fault.check == "bluetoothd" && fault.failure == "daemon_missing" && fault.by == "doctor")
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a service that hangs is the fault, and nothing is polled beside it`() async throws {
    let scene = try await scene()
    let child = try await service(scene, "interval: 300s\n" + Self.config)
    await child.freeze()
    let report = try await report(scene)
    #expect(report.checks.filter { $0.verdict == "fault" }.map(\.check) == ["service"])
    #expect(report.verdict("device") == "skipped" && report.verdict("scan") == "skipped")
    child.kill(SIGCONT)
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a broker and a state directory that the file has and the running service not yet`()
    async throws
  {
    let (scene, port) = (try await scene(), try Broker.freePort())
    let path = "\(scene.simulation.directory)/changed.yaml"
    let plain = "interval: 300s\n" + Self.config
    try scene.write(plain, to: path)
    let child = try await scene.start(["run", "--config", path])
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    let more = ["BLUPOW_CONFIG": path]
    let before = try await report(scene, config: nil, more: more)
    #expect(before.entry("broker")?.message == "The service uses none." && before.verdict("state") == "ok")
    try scene.write(
      "mqtt: {host: 127.0.0.1, port: \(port)}\nstate_dir: \(scene.simulation.directory)/elsewhere\n" + plain, to: path)
    let changed = try await report(scene, config: nil, more: more)
    #expect(changed.checks.filter { $0.verdict == "fault" }.map(\.check) == ["broker", "state"], "\(changed.checks)")
    #expect(changed.entry("broker")?.message.contains("does not use the broker at 127.0.0.1:\(port)") == true)
    #expect(changed.entry("broker")?.advice?.contains("`systemctl reload blupow`") == true)
    #expect(changed.entry("state")?.advice?.contains("`systemctl restart blupow`") == true)
    // A reload brings the broker, whom nobody answers for, and not the directory.
    kill(child.pid, SIGHUP)
    try await scene.untilStatus { $0.contains("broker_away") }
    let reloaded = try await report(scene, config: nil, more: more)
    #expect(reloaded.entry("broker")?.message.contains("Connection refused") == true)
    #expect(reloaded.entry("state")?.message.contains("does not use \(scene.simulation.directory)/elsewhere") == true)
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a device that the running service does not have yet`() async throws {
    let scene = try await scene()
    let child = try await service(scene, "interval: 300s\n" + Self.config)
    let fault = try await fault(
      scene, config: Self.config + "\n  - {name: Fridge, address: \"AA:BB:CC:00:11:22\", profile: battery}\n")
    #expect(fault.device == "Fridge" && fault.advice?.contains("`systemctl reload blupow`") == true)
    kill(child.pid, SIGTERM)
    #expect(await Scene.hear(child).exitCode == 0)
    await scene.end()
  }
}
