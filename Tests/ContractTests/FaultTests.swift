import BlueZ
import DBus
import Readings
import Rig
import Supervisor
import Testing

/// Every fault of a module, of bluetoothd and of the bus, against the real worker on a real dbus-daemon: its own failure, the
/// exit code of its class, within the deadline, and nothing left on the other side. A module's faults are tried on the simulator
/// and on a real bluetoothd; bluetoothd's own can be had of the simulator only.
@Suite struct FaultTests {
  enum Place { case both, simulated }

  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    /// JSON of the module's `faults`, or other members of the module.
    var module: String
    var deadline = "10s"
    var failure: Failure
    var stages: [Stage]
    var exit: Int32
    /// Told to the module's side before the poll.
    var told: [String] = []
    var places: Place
    var arguments: [String] = []
    /// Part of the sentence about it.
    var said: String?
    /// A real link may be seen for a moment before it is gone.
    var orInReal: Failure?
    var testDescription: String { name }

    init(
      _ name: String, _ fault: String, _ failure: Failure, _ stages: Stage..., exit: Int32 = 75, deadline: String = "10s",
      more: String = "", told: [String] = [], in places: Place = .both, orInReal: Failure? = nil,
      arguments: [String] = [], said: String? = nil
    ) {
      self.name = name
      module = "\(more)\"faults\":[\(fault)]"
      self.failure = failure
      self.stages = stages
      self.exit = exit
      self.deadline = deadline
      self.told = told
      self.places = places
      self.orInReal = orInReal
      self.arguments = arguments
      self.said = said
    }
  }

  static let offTheAir = #"{"do":"advertise","address":"ADDRESS","on":false}"#

  static let rows = [
    Row("silent", #"{"fault":"silent"}"#, .silent, .read),
    Row("silent at the second block", #"{"fault":"silent","from_request":2}"#, .silent, .read),
    Row("answers long after it was given up", #"{"fault":"slow","ms":6500}"#, .silent, .read),
    Row("wrong checksum", #"{"fault":"wrong_crc"}"#, .badFrames, .read, exit: 76),
    Row("wrong unit id", #"{"fault":"wrong_id"}"#, .badFrames, .read, exit: 76),
    Row("truncated", #"{"fault":"truncated"}"#, .badFrames, .read, exit: 76),
    Row("refuses a required block", #"{"fault":"exception","code":2,"register":4000}"#, .modbusException, .read, exit: 76),
    Row("fails a required block", #"{"fault":"exception","code":4,"register":4327}"#, .modbusException, .read, exit: 76),
    Row("drops the link at the second request", #"{"fault":"drop_link","from_request":2}"#, .linkLost, .read),
    Row("drops the link when subscribed to", #"{"fault":"drop_on_subscribe"}"#, .linkLost, .subscribe, .read),
    Row("does not advertise", "", .notSeen, .scan, deadline: "6s", told: [offTheAir]),
    Row(
      "known, but off the air", "", .connectTimeout, .connect, deadline: "6s", more: #""known":true,"#, told: [offTheAir]),
    Row(
      "known, but never connects", #"{"fault":"never_connects"}"#, .connectTimeout, .connect, deadline: "6s",
      more: #""known":true,"#, in: .simulated),
    Row(
      "drops every link as soon as it is made", #"{"fault":"drop_on_connect"}"#, .connectFailed, .connect, .services,
      orInReal: .linkLost),
    Row("connects, but the link is aborted", #"{"fault":"connect_error"}"#, .connectFailed, .connect, in: .simulated),
    Row("another client's Connect is pending for ever", #"{"fault":"busy_forever"}"#, .busy, .connect, in: .simulated),
    Row("no free slot", #"{"fault":"slots"}"#, .slots, .connect, in: .simulated),
    Row("refuses to connect without pairing", #"{"fault":"auth_failed"}"#, .pairingRequired, .connect, exit: 77, in: .simulated),
    // bluetoothd says no more than that the link is gone.
    Row("wants pairing before it notifies", #"{"fault":"needs_pairing"}"#, .linkLost, .subscribe),
    Row(
      "an error that nobody has seen", #"{"fault":"connect_error","name":"org.bluez.Error.Failed","text":"Strange"}"#,
      .daemonError, .connect, in: .simulated),
    Row("services never resolve", #"{"fault":"services_never_resolve"}"#, .servicesUnresolved, .services),
    Row(
      "services never resolve, and bluetoothd gives up first", #"{"fault":"services_never_resolve"}"#, .servicesUnresolved,
      .services, deadline: "60s", arguments: ["--attempts", "1"], said: "did not answer when asked for its services"),
    Row("not a Renogy module", #"{"fault":"no_characteristics"}"#, .wrongProfile, .services, exit: 76),
    Row("refuses to notify", #"{"fault":"notify_refused"}"#, .notifyRefused, .subscribe),
    Row(
      "notifications are promised and never enabled", #"{"fault":"notify_ignored"}"#, .notifyRefused, .subscribe,
      in: .simulated),
    Row("notifications are taken", #"{"fault":"notify_taken"}"#, .notifyRefused, .subscribe, in: .simulated),
    Row(
      "bluetoothd swallows WriteValue", #"{"fault":"daemon_mute","method":"WriteValue"}"#, .daemonSilent, .read,
      in: .simulated),
    Row(
      "bluetoothd swallows StartDiscovery", #"{"fault":"daemon_mute","method":"StartDiscovery"}"#, .daemonSilent, .scan,
      deadline: "5s", in: .simulated),
    Row(
      "bluetoothd swallows GetManagedObjects", #"{"fault":"daemon_mute","method":"GetManagedObjects"}"#, .daemonSilent, .bus,
      deadline: "5s", in: .simulated),
    Row(
      "bluetoothd swallows StartNotify", #"{"fault":"daemon_mute","method":"StartNotify"}"#, .notifyRefused, .subscribe,
      in: .simulated),
  ]

  @Test(.timeLimit(.minutes(2)), arguments: rows.filter { $0.places == .both || !Worlds.isReal })
  func `each fault is its own failure within the deadline, and the link is closed`(row: Row) async throws {
    let scene = try await Scene.contract(row.module)
    for line in row.told { _ = try await scene.tell(line.replacing("ADDRESS", with: scene.address)) }
    let run = try await scene.poll(row.arguments, deadline: row.deadline)
    let failure = try #require(run.failure?.failure)
    #expect(failure == row.failure || Worlds.isReal && failure == row.orInReal, "\(run.raw)")
    #expect(row.stages.contains(try #require(run.failure?.stage)))
    #expect(run.failure?.failure.advice.isEmpty == false)
    if let said = row.said { #expect(run.failure?.message.contains(said) == true, "\(run.raw)") }
    #expect(run.exitCode == row.exit)
    #expect(run.readings == nil)
    #expect(run.done != nil)
    let deadline = try #require(Duration(text: row.deadline))
    #expect(run.ending.lasted < deadline + Worlds.slack)
    #expect(try await scene.quiet() != nil, "\(scene.journal.lines.suffix(5))")
    if row.told.contains(Self.offTheAir) {
      // A Connect that was left pending would be answered now.
      _ = try await scene.tell(#"{"do":"advertise","address":"\#(scene.address)","on":true}"#)
      try await Task.sleep(for: .seconds(2))
      #expect(try await scene.isQuiet())
    }
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      ("noise before the frame", #""faults":[{"fault":"noise"}]"#),
      ("slow, but in time", #""faults":[{"fault":"slow","ms":1200}]"#),
      ("services late", #""faults":[{"fault":"services_late","ms":700}]"#),
      ("one damaged reply", #""faults":[{"fault":"wrong_crc","from_request":2,"times":1}]"#),
      ("the second attempt succeeds", #""faults":[{"fault":"drop_on_connect","times":1}]"#),
      ("the link drops once while reading", #""faults":[{"fault":"drop_link","from_request":2,"times":1}]"#),
      ("bluetoothd does not say that it is connected", #""faults":[{"fault":"connected_unsaid"}]"#),
      ("a large MTU", #""mtu":247"#),
      ("known already", #""known":true"#),
    ])
  func `what can be survived gives all 22 readings`(name: String, module: String) async throws {
    let scene = try await Scene.contract(module)
    let run = try await scene.poll()
    #expect(run.readings?.readings.count == 22, "\(run.raw)")
    #expect(run.readings?.readings["input_voltage"] == Reading(.number(113.5), unit: "V"))
    #expect(run.exitCode == 0)
    #expect(run.done?.link == .closed)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(1)))
  func `readings stand though the link cannot be closed, and that is said`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"disconnect_never"}]"#)
    let run = try await scene.poll(deadline: "6s")
    #expect(run.readings?.readings.count == 22)
    #expect(run.exitCode == 0)
    #expect(run.done?.link == .left)
    #expect(run.ending.lasted < .seconds(6.2))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `a link that stands already is freed, and said`() async throws {
    let scene = try await Scene.contract(#""known":true"#)
    _ = try await scene.client().connect(scene.address)
    let run = try await scene.poll()
    #expect(run.readings?.readings.count == 22)
    #expect(run.done?.foundStanding == true)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(1)))
  func `a standing link that cannot be freed is busy`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"disconnect_never"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(deadline: "6s")
    #expect(run.failure?.failure == .busy)
    #expect(run.failure?.stage == .release)
    #expect(run.exitCode == 75)
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(1)))
  func `an adapter that is off, absent or named wrongly`() async throws {
    for (adapters, arguments, failure) in [
      (#"[{"name":"hci0","powered":false}]"#, [], Failure.adapterOff), ("[]", [], .adapterMissing),
      (#"[{"name":"hci0"}]"#, ["--adapter", "hci7"], .adapterMissing),
    ] as [(String, [String], Failure)] {
      let scene = try await Scene.one(adapters: adapters)
      let run = try await scene.poll(arguments)
      #expect(run.failure?.failure == failure)
      #expect(run.exitCode == 69)
      await scene.end()
    }
  }

  @Test(
    .enabled(if: !Worlds.isReal), .timeLimit(.minutes(1)),
    arguments: [
      (#"{"do":"power","adapter":"hci0","on":false}"#, Failure.adapterOff),
      (#"{"do":"remove_adapter","adapter":"hci0"}"#, .adapterMissing),
    ])
  func `an adapter that goes while it scans is named at once`(command: String, failure: Failure) async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"not_advertising"}]"#)
    let run = try await scene.poll { line, _ in
      if case .stage(.scan, _) = line.event {
        _ = try? await scene.journal.wait { $0.contains("discovery_started") }
        _ = try? await scene.tell(command)
      }
    }
    #expect(run.failure?.failure == failure)
    #expect(run.exitCode == 69)
    #expect(run.ending.lasted < .seconds(5))
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(1)))
  func `signals of anybody but bluetoothd are not believed`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"never_connects"}],"known":true"#)
    let run = try await scene.poll(deadline: "6s") { line, _ in
      // Another client tells each of the first connections, in the bus's words, that bluetoothd has left.
      guard case .stage(.connect, _) = line.event else { return }
      for unique in 0..<8 {
        let forged = Command(
          path: "/usr/bin/dbus-send",
          arguments: [
            "--bus=\(scene.simulation.busAddress)", "--type=signal", "--dest=:1.\(unique)", "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameOwnerChanged", "string:org.bluez", "string::1.0", "string:",
          ])
        guard let child = try? await Spawner.shared.start(forged, limits: .worker, deadline: .seconds(5)) else { continue }
        for await _ in child.output {}
      }
    }
    #expect(run.failure?.failure == .connectTimeout, "\(run.raw)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `an adapter without power is named, before a scan and during it`() async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    @Sendable func power(_ on: Bool) async throws {
      let body: [Value] = [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(on))]
      _ = try await client.ask("Set", ObjectTree.properties, on: BusClient.adapter, body)
    }
    _ = try await scene.tell(Self.offTheAir.replacing("ADDRESS", with: scene.address))
    let during = try await scene.poll { line, _ in
      guard case .stage(.scan, _) = line.event else { return }
      _ = try? await client.until { $0.property(BusClient.adapter, ObjectTree.adapter, "Discovering")?.asBool == true }
      try? await power(false)
    }
    #expect(during.failure?.failure == .adapterOff, "\(during.raw)")
    #expect(during.exitCode == 69)
    let before = try await scene.poll()
    #expect(before.failure?.failure == .adapterOff, "\(before.raw)")
    try await power(true)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `unsupported blocks are noted, and the poll succeeds without them`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"exception","code":2,"register":4311}]"#)
    let run = try await scene.poll()
    #expect(run.readings?.readings.count == 21)
    #expect(run.done?.blocks == ["inverter": BlockNotes(unsupported: ["4311/8"])])
    #expect(run.exitCode == 0)
    await scene.end()
  }
}
