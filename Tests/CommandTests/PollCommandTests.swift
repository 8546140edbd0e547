import Foundation
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// `blupow poll`: the real supervisor, the real worker, a real bus.
@Suite struct PollCommandTests {
  static let config = """
    devices:
      - name: Inverter
        address: D8:B6:73:BF:4F:75
        profile: inverter
        unit: 32
        test_mode: true
    """

  func status(_ run: CommandRun) throws -> FleetStatus {
    try JSONDecoder().decode(FleetStatus.self, from: Data(run.output.utf8))
  }

  @Test(.timeLimit(.minutes(5))) func `one poll gives real readings as JSON`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(["poll", "--json"], config: Self.config)
    #expect(run.exitCode == 0, "\(run.errors)")
    let device = try #require(try status(run).devices.first)
    #expect(device.status == .connected)
    #expect(device.available && device.testMode)
    #expect(device.model == "RIV4835CSH1S")
    #expect(device.readings.count == Scene.inverterReadings)
    #expect(device.readings["battery_voltage"] == Reading(.number(51.2), unit: "V"))
    #expect(run.output.contains("\"value\" : 51.2"))
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a person gets a table with names, digits and units`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(["poll"], config: Self.config)
    #expect(run.output.contains("Inverter: connected"))
    #expect(run.output.contains("SIMULATED"))
    #expect(run.output.contains(/AC Input Current +17\.00 A/))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a person sees the readings before the link is closed`() async throws {
    let slowToClose = Scene.fast.replacing("\"disconnect_ms\":20", with: "\"disconnect_ms\":2100")
    let scene = try await Scene.one(delays: slowToClose)
    let child = try await scene.start(["poll"], config: Self.config)
    let start = ContinuousClock.now
    var seen: Duration?
    var ended: Duration?
    for await event in child.output {
      if case .line = event, seen == nil { seen = start.duration(to: .now) }
      if case .ended = event { ended = start.duration(to: .now) }
    }
    #expect(try #require(ended) - #require(seen) > .seconds(1.5))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `the exit code is the first failing device's, and the others are still read`() async throws
  {
    let scene = try await Scene.one()
    let run = try await scene.blupow(
      ["poll", "--json"],
      config: """
        timeout: 10s
        devices:
          - {name: Lost, address: "AA:BB:CC:00:11:22", profile: inverter}
          - {name: Inverter, address: "D8:B6:73:BF:4F:75", profile: inverter, unit: 32}
        """)
    #expect(run.exitCode == 75)
    let status = try status(run)
    #expect(status.devices.map(\.status) == [.disconnected, .connected])
    #expect(status.devices[0].failure?.failure == .notSeen)
    #expect(status.devices[0].readings == [:])
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `readings of a second attempt are a success like any other`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"connect_fails_once"}]"#)
    let run = try await scene.blupow(["poll", "--json"], config: Self.config)
    #expect(run.exitCode == 0)
    let device = try #require(try status(run).devices.first)
    #expect(device.readings.count == Scene.inverterReadings)
    #expect(device.failure == nil)
    #expect(device.successRate == 1)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a worker killed while connected: its link is freed, and it is said`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"silent"}]"#)
    let child = try await scene.start(["poll", "--json"], config: Self.config)
    _ = try await scene.journal.wait { $0.contains("\"request\"") }
    let worker = try #require(ProcessTable.running("blupow-worker", under: child.pid).first)
    kill(worker, SIGKILL)
    let run = await Scene.hear(child)
    #expect(run.exitCode == 70)
    #expect(try status(run).devices.first?.failure?.failure == .workerCrashed)
    #expect(try await scene.isQuiet(), "the release has ended before blupow did")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a poll that hangs is ended at its deadline, and its link freed`() async throws {
    // The frozen worker is woken by the supervisor's SIGTERM and disconnects.
    let scene = try await Scene.one(#""faults":[{"fault":"silent"}]"#)
    let child = try await scene.start(["poll", "--json"], config: "timeout: 10s\n" + Self.config)
    _ = try await scene.journal.wait { $0.contains("\"request\"") }
    let worker = try #require(ProcessTable.running("blupow-worker", under: child.pid).first)
    kill(worker, SIGSTOP)
    let run = await Scene.hear(child)
    #expect(run.exitCode == 75)
    #expect(try status(run).devices.first?.failure?.failure == .workerTimedOut)
    #expect(run.ending.lasted > .seconds(10) && run.ending.lasted < .seconds(16))
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `without its worker it says what is missing`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(["poll"], config: Self.config, worker: "/nonexistent/blupow-worker")
    #expect(run.exitCode == 70)
    #expect(run.output.contains("worker_missing"))
    #expect(run.output.contains("/nonexistent/blupow-worker"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a device that nobody configured is a wrong argument`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(["poll", "Toaster"], config: Self.config)
    #expect(run.exitCode == 64)
    #expect(run.errors.contains("No device is called 'Toaster'; there are: Inverter."))
    await scene.end()
  }

  /// A tap between supervisor and worker, which keeps what went through it for an independent validator (`Tests/run`). It ends as the
  /// worker did, and not before it has passed on all that that said. The worker looks who its parent is: here that is the tap.
  @Test(.timeLimit(.minutes(5))) func `what supervisor and worker say to each other, polling and releasing, can be listened to`()
    async throws
  {
    let scene = try await Scene.one(#""faults":[{"fault":"exception","code":2,"register":4311}]"#)
    let (directory, worker) = (scene.simulation.directory, Built.path("blupow-worker"))
    let tap = "\(directory)/tap"
    try scene.write(
      """
      #!/bin/bash
      exec '\(worker)' < <(tee -a '\(directory)/requests' | sed -u 's/"parent":[0-9]*/"parent":'$$'/') | tee -a '\(directory)/events'
      code=${PIPESTATUS[0]}
      [ $code -le 128 ] || kill -$((code - 128)) $$
      exit $code
      """, to: tap, isProgram: true)
    #expect(try await scene.blupow(["poll", "--json"], config: Self.config, worker: tap).exitCode == 0)
    #expect(try await scene.blupow(["scan", "--for", "1s"], worker: tap).exitCode == 0)
    // One that dies while connected: then comes a release.
    _ = try await scene.tell(#"{"do":"faults","address":"D8:B6:73:BF:4F:75","faults":[{"fault":"silent"}]}"#)
    let mark = scene.journal.count
    let child = try await scene.start(["poll"], config: Self.config, worker: tap)
    _ = try await scene.journal.wait(from: mark) { $0.contains("\"request\"") }
    let shell = try #require(ProcessTable.running("bash", under: child.pid).first)
    kill(try #require(ProcessTable.running("blupow-worker", under: shell).first), SIGKILL)
    #expect(await Scene.hear(child).exitCode == 70)

    func lines(_ name: String) throws -> [String] {
      try String(decoding: Data(contentsOf: URL(filePath: "\(directory)/\(name)")), as: UTF8.self).split(separator: "\n").map(
        String.init)
    }
    let (requests, events) = (try lines("requests"), try lines("events"))
    for job in ["poll", "scan", "release"] { #expect(requests.contains { $0.contains("\"job\":\"\(job)\"") }, "\(job)") }
    for event in ["stage", "readings", "seen", "done"] {
      #expect(events.contains { $0.contains("\"event\":\"\(event)\"") }, "\(event)")
    }
    WireRecord.keep(requests, "blupow.requests")
    WireRecord.keep(events, "blupow.events")
    await scene.end()
  }
}
