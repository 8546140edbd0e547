import BlueZ
import DBus
import Readings
import Rig
import Supervisor
import Testing

/// Every fault of a module, of bluetoothd and of the bus, against the real worker on a real dbus-daemon: its own failure, the
/// exit code of its class, within the deadline, and nothing left on the other side. A module's faults are tried on the simulator
/// and on a real bluetoothd, by both links; bluetoothd's own can be had of the simulator only.
@Suite struct FaultTests {
  @Test(.timeLimit(.minutes(10)), arguments: trials)
  func `each fault is its own failure within the deadline, and the link is closed`(trial: Trial) async throws {
    let (row, outcome) = (trial.row, trial.outcome)
    let scene = try await Scene.contract(row.module)
    for line in row.told { _ = try await scene.tell(line.replacing("ADDRESS", with: scene.address)) }
    let run = try await scene.poll(row.arguments, deadline: row.deadline, link: trial.link)
    let failure = try #require(run.failure?.failure, "\(run.raw)")
    #expect(failure == outcome.failure || Worlds.isReal && outcome.orInReal.contains(failure), "\(run.raw)")
    #expect(outcome.stages.contains(try #require(run.failure?.stage)), "\(run.raw)")
    #expect(run.failure?.failure.advice.isEmpty == false)
    if let said = outcome.said { #expect(run.failure?.message.contains(said) == true, "\(run.raw)") }
    #expect(run.exitCode == outcome.exit)
    #expect(run.readings == nil)
    #expect(run.done?.by == trial.link)
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

  @Test(.timeLimit(.minutes(5)), arguments: survivals)
  func `what can be survived gives all readings`(survival: Survival) async throws {
    let scene = try await Scene.contract(survival.nuisance.module)
    let run = try await scene.poll(link: survival.link)
    #expect(run.readings?.readings.count == Scene.inverterReadings, "\(run.raw)")
    #expect(run.readings?.readings["input_voltage"] == Reading(.number(113.5), unit: "V"))
    #expect(run.exitCode == 0)
    #expect(run.done?.link == .closed)
    // That it was met.
    #expect(run.done?.attempts == survival.nuisance.attempt, "\(run.raw)")
    if let least = survival.nuisance.least { #expect(try #require(run.done?.stages[least.stage]) >= least.milliseconds) }
    // Its answer comes behind all that the journal had to say.
    #expect(try await scene.quiet() != nil)
    let requests = scene.journal.lines.count { $0.contains(#""saw":"request""#) }
    #expect(survival.nuisance.requests.contains(requests), "\(requests)")
    if survival.link == .kernel {
      let answers = scene.journal.lines.filter { $0.contains(#""saw":"att""#) }
      #expect(answers.count == (survival.nuisance.answer == nil ? 0 : 1), "\(answers)")
      if let answer = survival.nuisance.answer { #expect(answers.first?.contains("\"hex\":\"\(answer)\"") == true, "\(answers)") }
    }
    await scene.end()
  }

  // The link is given up with what was wrong on it, and a device whose frames were bad is not asked again in the same poll.
  @Test(.timeLimit(.minutes(5))) func `one packet longer than agreed on, before a reply, costs one poll`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"long_pdu","when":"reading","times":1}]"#)
    let first = try await scene.poll(link: .kernel)
    #expect(first.failure?.failure == .badFrames, "\(first.raw)")
    #expect(first.done?.attempts == 1)
    #expect(try await scene.poll(link: .kernel).readings?.readings.count == Scene.inverterReadings)
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(5)))
  func `readings stand though the link cannot be closed, and that is said`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"disconnect_never"}]"#)
    let run = try await scene.poll(deadline: "6s")
    #expect(run.readings?.readings.count == Scene.inverterReadings)
    #expect(run.exitCode == 0)
    #expect(run.done?.link == .left)
    #expect(run.ending.lasted < .seconds(6) + Worlds.slack)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: LinkKind.allCases)
  func `a link that stands already is freed, and said`(link: LinkKind) async throws {
    let scene = try await Scene.contract(#""known":true"#)
    _ = try await scene.client().connect(scene.address)
    let run = try await scene.poll(link: link)
    #expect(run.readings?.readings.count == Scene.inverterReadings)
    #expect(run.done?.foundStanding == true)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(5)))
  func `a standing link that cannot be freed is busy`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"disconnect_never"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(deadline: "6s")
    #expect(run.failure?.failure == .busy)
    #expect(run.failure?.stage == .release)
    #expect(run.exitCode == 75)
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(5)))
  func `a link that comes back by itself is shared by bluez, and named by the kernel's`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"reconnects"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let bluez = try await scene.poll()
    #expect(bluez.readings?.readings.count == Scene.inverterReadings && bluez.done?.foundStanding == false, "\(bluez.raw)")
    // Ours has ended: there is nothing for a release to do.
    #expect(bluez.done?.link == .closed)
    let kernel = try await scene.poll(["--attempts", "1"], link: .kernel)
    #expect(kernel.failure?.failure == .busy && kernel.done?.foundStanding == false, "\(kernel.raw)")
    #expect(kernel.failure?.message.contains("bluetoothctl untrust") == true, "\(kernel.raw)")
    let release = try await scene.worker(["release", "--address", Scene.address])
    #expect(release.failure?.failure == .busy && release.exitCode == 75, "\(release.raw)")
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(5)))
  func `an adapter that is off, absent or named wrongly`() async throws {
    // Where the simulator's sockets are the radio, there is no adapter to be absent.
    for (adapters, arguments, link, failure) in [
      (#"[{"name":"hci0","powered":false}]"#, [], .bluez, .adapterOff), ("[]", [], .bluez, .adapterMissing),
      (#"[{"name":"hci0"}]"#, ["--adapter", "hci7"], .bluez, .adapterMissing),
      (#"[{"name":"hci0","powered":false}]"#, [], .kernel, .adapterOff),
    ] as [(String, [String], LinkKind, Failure)] {
      let scene = try await Scene.one(adapters: adapters)
      let run = try await scene.poll(arguments, link: link)
      #expect(run.failure?.failure == failure)
      #expect(run.exitCode == 69)
      await scene.end()
    }
  }

  @Test(
    .enabled(if: !Worlds.isReal), .timeLimit(.minutes(5)),
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
    #expect(run.ending.lasted < .seconds(10))
    await scene.end()
  }

  @Test(.enabled(if: !Worlds.isReal), .timeLimit(.minutes(5)))
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

  @Test(.timeLimit(.minutes(5)), arguments: LinkKind.allCases)
  func `an adapter without power is named, before it is needed and during it`(link: LinkKind) async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    @Sendable func power(_ on: Bool) async throws {
      let body: [Value] = [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(on))]
      _ = try await client.ask("Set", ObjectTree.properties, on: BusClient.adapter, body)
    }
    _ = try await scene.tell(Self.offTheAir.replacing("ADDRESS", with: scene.address))
    let during = try await scene.poll(link: link) { line, _ in
      switch (line.event, link) {
      case (.stage(.scan, _), .bluez):
        _ = try? await client.until { $0.property(BusClient.adapter, ObjectTree.adapter, "Discovering")?.asBool == true }
      case (.stage(.connect, _), .kernel):
        // Nobody sees a real radio's attempt begin: half a second after the word it has.
        if Worlds.isReal {
          try? await Task.sleep(for: .milliseconds(500))
        } else {
          _ = try? await scene.journal.wait { $0.contains("connect_asked") }
        }
      default: return
      }
      try? await power(false)
    }
    #expect(during.failure?.failure == .adapterOff, "\(during.raw)")
    #expect(during.exitCode == 69)
    let before = try await scene.poll(link: link)
    #expect(before.failure?.failure == .adapterOff, "\(before.raw)")
    // At once: nothing is waited for.
    #expect(before.ending.lasted < .seconds(1) + Worlds.slack)
    try await power(true)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: LinkKind.allCases)
  func `unsupported blocks are noted, and the poll succeeds without them`(link: LinkKind) async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"exception","code":2,"register":4311}]"#)
    let run = try await scene.poll(link: link)
    #expect(run.readings?.readings.count == Scene.inverterReadings - 1)
    #expect(run.done?.blocks == ["inverter": BlockNotes(unsupported: ["4311/8"])])
    #expect(run.exitCode == 0)
    await scene.end()
  }
}
