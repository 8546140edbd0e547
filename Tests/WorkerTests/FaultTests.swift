import Readings
import Rig
import Supervisor
import Testing

/// Every fault of a module, of bluetoothd and of the bus, against the real worker on a real dbus-daemon: its own failure, the
/// exit code of its class, within the deadline, and nothing left on the other side.
@Suite struct FaultTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    /// JSON of the module's `faults`, or other members of the module.
    var module: String
    var deadline = "10s"
    var failure: Failure
    var stages: [Stage]
    var exit: Int32
    var testDescription: String { name }

    init(
      _ name: String, _ fault: String, _ failure: Failure, _ stages: Stage..., exit: Int32 = 75, deadline: String = "10s",
      more: String = ""
    ) {
      self.name = name
      module = "\(more)\"faults\":[\(fault)]"
      self.failure = failure
      self.stages = stages
      self.exit = exit
      self.deadline = deadline
    }
  }

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
    Row("does not advertise", #"{"fault":"not_advertising"}"#, .notSeen, .scan, deadline: "5s"),
    Row(
      "known, but never connects", #"{"fault":"never_connects"}"#, .connectTimeout, .connect, deadline: "6s",
      more: #""known":true,"#),
    Row("connects, but the link is aborted", #"{"fault":"connect_error"}"#, .connectFailed, .connect),
    Row("another client's Connect is pending for ever", #"{"fault":"busy_forever"}"#, .busy, .connect),
    Row("no free slot", #"{"fault":"slots"}"#, .slots, .connect),
    Row("wants pairing", #"{"fault":"auth_failed"}"#, .pairingRequired, .connect, exit: 77),
    Row(
      "an error that nobody has seen", #"{"fault":"connect_error","name":"org.bluez.Error.Failed","text":"Strange"}"#,
      .daemonError, .connect),
    Row("services never resolve", #"{"fault":"services_never_resolve"}"#, .servicesUnresolved, .services),
    Row("not a Renogy module", #"{"fault":"no_characteristics"}"#, .wrongProfile, .services, exit: 76),
    Row("notifications are promised and never enabled", #"{"fault":"notify_ignored"}"#, .notifyRefused, .subscribe),
    Row("notifications are taken", #"{"fault":"notify_refused"}"#, .notifyRefused, .subscribe),
    Row("bluetoothd swallows WriteValue", #"{"fault":"daemon_mute","method":"WriteValue"}"#, .daemonSilent, .read),
    Row(
      "bluetoothd swallows StartDiscovery", #"{"fault":"daemon_mute","method":"StartDiscovery"}"#, .daemonSilent, .scan,
      deadline: "5s"),
    Row(
      "bluetoothd swallows GetManagedObjects", #"{"fault":"daemon_mute","method":"GetManagedObjects"}"#, .daemonSilent, .bus,
      deadline: "5s"),
    Row("bluetoothd swallows StartNotify", #"{"fault":"daemon_mute","method":"StartNotify"}"#, .notifyRefused, .subscribe),
  ]

  @Test(.timeLimit(.minutes(1)), arguments: rows)
  func `each fault is its own failure within the deadline, and the link is closed`(row: Row) async throws {
    let scene = try await Scene.one(row.module)
    let run = try await scene.poll(deadline: row.deadline)
    #expect(run.failure?.failure == row.failure, "\(run.raw)")
    #expect(row.stages.contains(try #require(run.failure?.stage)))
    #expect(run.failure?.failure.advice.isEmpty == false)
    #expect(run.exitCode == row.exit)
    #expect(run.readings == nil)
    #expect(run.done != nil)
    let deadline = try #require(Duration(text: row.deadline))
    #expect(run.ending.lasted < deadline + .milliseconds(200))
    #expect(try await scene.quiet() != nil, "\(scene.journal.lines.suffix(5))")
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      ("noise before the frame", #""faults":[{"fault":"noise"}]"#),
      ("slow, but in time", #""faults":[{"fault":"slow","ms":1200}]"#),
      ("services late", #""faults":[{"fault":"services_late","ms":700}]"#),
      ("one damaged reply", #""faults":[{"fault":"wrong_crc","from_request":2,"times":1}]"#),
      ("the second attempt succeeds", #""faults":[{"fault":"connect_fails_once"}]"#),
      ("the link drops once while reading", #""faults":[{"fault":"drop_link","from_request":2,"times":1}]"#),
      ("a large MTU", #""mtu":247"#),
      ("known already", #""known":true"#),
    ])
  func `what can be survived gives all 22 readings`(name: String, module: String) async throws {
    let scene = try await Scene.one(module)
    let run = try await scene.poll()
    #expect(run.readings?.readings.count == 22, "\(run.raw)")
    #expect(run.readings?.readings["input_voltage"] == Reading(.number(113.5), unit: "V"))
    #expect(run.exitCode == 0)
    #expect(run.done?.link == .closed)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `readings stand though the link cannot be closed, and that is said`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"disconnect_never"}]"#)
    let run = try await scene.poll(deadline: "6s")
    #expect(run.readings?.readings.count == 22)
    #expect(run.exitCode == 0)
    #expect(run.done?.link == .left)
    #expect(run.ending.lasted < .seconds(6.2))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `a link that stands already is freed, and said`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll()
    #expect(run.readings?.readings.count == 22)
    #expect(run.done?.foundStanding == true)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `a standing link that cannot be freed is busy`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"disconnect_never"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(deadline: "6s")
    #expect(run.failure?.failure == .busy)
    #expect(run.failure?.stage == .release)
    #expect(run.exitCode == 75)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `an adapter that is off, absent or named wrongly`() async throws {
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
    .timeLimit(.minutes(1)),
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

  @Test(.timeLimit(.minutes(1))) func `signals of anybody but bluetoothd are not believed`() async throws {
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

  @Test(.timeLimit(.minutes(1))) func `unsupported blocks are noted, and the poll succeeds without them`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"exception","code":2,"register":4311}]"#)
    let run = try await scene.poll()
    #expect(run.readings?.readings.count == 21)
    #expect(run.done?.blocks == ["inverter": BlockNotes(unsupported: ["4311/8"])])
    #expect(run.exitCode == 0)
    await scene.end()
  }
}
