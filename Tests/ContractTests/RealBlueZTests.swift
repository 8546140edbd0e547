import BlueZ
import DBus
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// What only the real bluetoothd shows. In the virtual machine's long suite.
@Suite(.enabled(if: Worlds.isReal), .serialized, .timeLimit(.minutes(5))) struct RealBlueZTests {
  @Test func `services that come late`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"services_late","ms":5000}]"#)
    let run = try await scene.poll()
    #expect(run.isGood, "\(run.raw)")
    await scene.end()
  }

  @Test(arguments: ["moved", "moved_bare"])
  func `a firmware update moves the characteristics`(gatt: String) async throws {
    let scene = try await Scene.contract("\"gatt\":\"\(gatt == "moved" ? "renogy" : "bare")\"")
    #expect(try await scene.poll().isGood)
    // With a database hash or without, bluetoothd 5.66 looks again at each link of a module that is not paired.
    _ = try await scene.tell("{\"do\":\"gatt\",\"gatt\":\"\(gatt)\"}")
    let run = try await scene.poll()
    #expect(run.isGood, "\(run.raw)")
    // And what it remembers can be removed: then it is heard, connected to and read like a new one.
    let path = BusClient.devicePath(scene.address)
    let removed = try await scene.client().ask("RemoveDevice", ObjectTree.adapter, on: BusClient.adapter, [.objectPath(path)])
    #expect(removed.kind == .methodReturn)
    let again = try await scene.poll()
    #expect(again.isGood && again.stages.contains(.scan), "\(again.raw)")
    await scene.end()
  }

  @Test func `a module that was renamed is the same module, and a scan says its new name`() async throws {
    let scene = try await Scene.contract()
    #expect(try await scene.poll().isGood)
    _ = try await scene.tell(#"{"do":"name","name":"BT-TH-RENAMED"}"#)
    #expect(try await scene.poll().isGood)
    let run = try await scene.worker(["scan", "--for", "5s"])
    let seen = run.events.compactMap { if case .seen(let device) = $0.event { device } else { nil } }
    let module = try #require(seen.first { $0.address.text == scene.address }, "\(run.raw)")
    #expect(module.name == "BT-TH-RENAMED")
    #expect(module.rssi == nil, "these controllers measure no signal")
    await scene.end()
  }

  @Test func `bluetoothd forgets its modules when it dies, until they are heard again`() async throws {
    let scene = try await Scene.contract(#""known":true"#)
    _ = try await scene.tell(FaultTests.offTheAir.replacing("ADDRESS", with: scene.address))
    try await Part.bluetoothd.kill()
    try await Part.bluetoothd.start()
    let client = try await scene.client()
    #expect(try await client.tree().objects[BusClient.devicePath(scene.address)] == nil)
    _ = try await scene.tell(#"{"do":"advertise","address":"\#(scene.address)","on":true}"#)
    let run = try await scene.poll()
    #expect(run.isGood && run.stages.contains(.scan), "\(run.raw)")
    await scene.end()
  }

  @Test func `a link of bluetoothd's falls when it is killed`() async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    try await client.scan(for: scene.address)
    _ = try await client.connect(scene.address)
    let mark = scene.journal.count
    let start = ContinuousClock.now
    try await Part.bluetoothd.kill()
    _ = try await scene.journal.wait(from: mark) { $0.contains(#""saw":"link_closed""#) }
    print("bluetoothd killed while connected: the link fell after \(start.duration(to: .now))")
    #expect(start.duration(to: .now) < .seconds(4))
    try await Part.bluetoothd.start()
    await scene.end()
  }

  @Test(arguments: LinkKind.allCases) func `another client's discovery goes on`(link: LinkKind) async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    _ = try await client.ask("StartDiscovery", ObjectTree.adapter, on: BusClient.adapter)
    for _ in 0..<3 {
      let run = try await scene.poll(link: link)
      #expect(run.isGood, "\(run.raw)")
      print("connect by \(link) beside another's discovery: \(run.done?.stages[.connect] ?? -1) ms")
    }
    // Ours was ended, theirs was not.
    #expect(try await client.property("Discovering", of: BusClient.adapter, ObjectTree.adapter)?.asBool == true)
    _ = try await client.ask("StopDiscovery", ObjectTree.adapter, on: BusClient.adapter)
    await scene.end()
  }

  @Test func `the adapter is removed in a scan and in a poll, and comes back`() async throws {
    for stage in [Stage.scan, .read] {
      let fault = stage == .read ? #""faults":[{"fault":"silent"}]"# : #""advertising":false"#
      let scene = try await Scene.contract(fault)
      let run = try await scene.poll { line, _ in
        if case .stage(stage, _) = line.event { try? await Part.btvirt.kill() }
      }
      let failure = try #require(run.failure?.failure)
      #expect(stage == .scan ? failure == .adapterMissing : [.linkLost, .adapterMissing].contains(failure), "\(run.raw)")
      #expect(run.ending.lasted < .seconds(27))
      let without = try await scene.poll()
      #expect(without.failure?.failure == .adapterMissing, "\(without.raw)")
      try await Part.bringControllersBack()
      await scene.end()
      let after = try await Scene.contract()
      #expect(try await after.poll().isGood)
      await after.end()
    }
  }

  @Test func `the D-Bus daemon restarts in the middle of a poll`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"silent"}]"#)
    let run = try await scene.poll { line, _ in
      if case .stage(.read, _) = line.event { try? await Part.dbus.kill() }
    }
    #expect(run.failure?.failure == .busLost, "\(run.raw)")
    #expect(run.ending.lasted < .seconds(10))
    let without = try await scene.poll()
    #expect(without.failure?.failure == .busMissing, "\(without.raw)")
    try await Part.bluetoothd.kill()  // it leaves by itself when its bus goes; be sure
    try await Part.dbus.start()
    try await Part.bluetoothd.start()
    await scene.end()
    let after = try await Scene.contract()
    #expect(try await after.poll().isGood)
    await after.end()
  }
}

/// The parts of the machine (Tests/RealBlueZ/part).
enum Part: String {
  case kernel, dbus, btvirt, peripheral, bluetoothd

  struct Trouble: Error, CustomStringConvertible {
    let description: String
  }

  func start() async throws { try await run("start") }
  func kill() async throws { try await run("kill") }
  func stop() async throws { try await run("stop") }
  func on() async throws { try await run("on") }

  /// After btvirt was killed, which took the peripheral with it.
  static func bringControllersBack() async throws {
    try await peripheral.kill()
    try await btvirt.start()
    try await peripheral.start()
    try await bluetoothd.on()
  }

  func run(_ words: String...) async throws {
    guard let script = getenv("BLUPOW_REAL_PART").map({ String(cString: $0) }) else { throw Trouble(description: "no machine") }
    var environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    for name in ["BLUPOW_REAL_SHARE", "BLUPOW_REAL_VENV"] { environment[name] = getenv(name).map { String(cString: $0) } }
    let command = Command(path: script, arguments: [rawValue] + words, environment: environment)
    let ended = await Scene.hear(try await Spawner.shared.start(command, limits: .command, deadline: .seconds(100)))
    guard ended.exitCode == 0 else { throw Trouble(description: "\(rawValue) \(words): \(ended.errors)\(ended.output)") }
  }
}

extension WorkerRun {
  /// All readings of the register file, and the link closed.
  var isGood: Bool {
    readings?.readings == Self.expected && failure == nil && exitCode == 0 && done?.link == .closed
  }

  /// What the words of Tests/RealBlueZ/registers.json mean, by the register table.
  static let expected: [String: Reading] = [
    "battery_percentage": Reading(.number(87), unit: "%"), "battery_voltage": Reading(.number(51.2), unit: "V"),
    "charging_current": Reading(.number(49.5), unit: "A"), "charging_power": Reading(.number(2535), unit: "W"),
    "charging_status": Reading(.text("constant current"), unit: nil), "device_id": Reading(.number(32), unit: nil),
    "input_current": Reading(.number(17), unit: "A"), "input_frequency": Reading(.number(60.01), unit: "Hz"),
    "input_voltage": Reading(.number(113.5), unit: "V"), "line_charging_current": Reading(.number(36.9), unit: "A"),
    "load_active_power": Reading(.number(20), unit: "W"), "load_apparent_power": Reading(.number(22), unit: "VA"),
    "load_current": Reading(.number(0.2), unit: "A"), "load_percentage": Reading(.number(0), unit: "%"),
    "model": Reading(.text("RIV4835CSH1S"), unit: nil), "output_current": Reading(.number(0.3), unit: "A"),
    "output_frequency": Reading(.number(60.01), unit: "Hz"), "output_voltage": Reading(.number(113.1), unit: "V"),
    "solar_current": Reading(.number(10.5), unit: "A"), "solar_power": Reading(.number(648), unit: "W"),
    "solar_voltage": Reading(.number(61.7), unit: "V"), "temperature": Reading(.number(55.1), unit: "°C"),
    "faults": Reading(.text("none"), unit: nil), "machine_state": Reading(.text("mains"), unit: nil),
    "charging_amp_hours_today": Reading(.number(86), unit: "Ah"),
    "discharging_amp_hours_today": Reading(.number(41), unit: "Ah"),
    "solar_energy_today": Reading(.number(3.8), unit: "kWh"), "load_energy_today": Reading(.number(2.3), unit: "kWh"),
    "solar_energy_total": Reading(.number(2146.8), unit: "kWh"), "load_energy_total": Reading(.number(1835.5), unit: "kWh"),
    "serial_number": Reading(.text("SIMULATED000000001"), unit: nil),
    "firmware_version": Reading(.text("SIMULATED"), unit: nil),
  ]
}
