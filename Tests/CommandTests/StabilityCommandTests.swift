import Foundation
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// `blupow stability`: the real supervisor, the real worker, a real bus.
@Suite struct StabilityCommandTests {
  private typealias Fields = [String: Any]

  /// The report, which is also kept for the schema's validator; of its one device.
  private func report(_ run: CommandRun) throws -> (whole: Fields, device: Fields) {
    let whole = try #require(
      try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? Fields, "\(run.output)\(run.errors)")
    let line = try JSONSerialization.data(withJSONObject: whole, options: [.sortedKeys, .withoutEscapingSlashes])
    WireRecord.keep([String(decoding: line, as: UTF8.self)], "stability.reports")
    return (whole, try #require((whole["devices"] as? [Fields])?.first))
  }

  private func leaks(_ device: Fields) -> [String: Int]? { device["leaks"] as? [String: Int] }

  private let nothing = ["processes": 0, "descriptors": 0, "links": 0]

  @Test(.timeLimit(.minutes(5))) func `a good device passes, with a line a poll and what it came to`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(
      ["stability", "--runs", "10", "--pause", "10ms"], config: PollCommandTests.config,
      more: ["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets])
    #expect(run.exitCode == 0, "\(run.output)\(run.errors)")
    let lines = run.output.split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(10).allSatisfy { $0.contains(#/^Inverter +\d+/10  ok +connected in \d+ ms, polled in \d/#) }, "\(run.output)")
    #expect(
      run.output.contains("\nInverter: excellent, passed\n  polls     10 of 10 succeeded (100.0 %), made by this command\n"))
    #expect(run.output.contains("  trend     none (") && run.output.contains("  left      0 processes, 0 descriptors, 0 links\n"))
    #expect(!run.output.contains("\u{1B}") && !run.output.contains("\r"))
    #expect(try await scene.isQuiet())
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `polls that fail are counted by their class, and half of them do not pass`() async throws {
    // The first poll and the last are well; the second gets three spoilt replies, the third none.
    let requests = Scene.inverterRequests
    let scene = try await Scene.one(
      #"""
      "faults":[{"fault":"wrong_crc","from_request":\#(requests + 1),"times":3},
                {"fault":"silent","from_request":\#(requests + 4),"times":1}]
      """#)
    let run = try await scene.blupow(
      ["stability", "Inverter", "--runs", "4", "--pause", "0s", "--json"], config: PollCommandTests.config)
    #expect(run.exitCode == 1, "\(run.output)\(run.errors)")
    let (whole, device) = try report(run)
    #expect(device["failures"] as? [String: Int] == ["bad_frames": 1, "silent": 1], "\(run.output)")
    #expect(device["verdict"] as? String == "fair" && device["success_rate"] as? Double == 0.5)
    #expect(device["faults"] as? [String] == ["2 of 4 polls succeeded; at least 80 % must."])
    #expect(
      device["polled_by"] as? String == "command" && whole["passed"] as? Bool == false && whole["complete"] as? Bool == true)
    #expect((device["runs"] as? [Fields])?.map { $0["failure"] is NSNull } == [true, false, false, true])
    #expect(leaks(device) == nothing, "\(run.output)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `beside a running service the service does the polls`() async throws {
    let scene = try await Scene.one()
    let service = try await scene.start(["run"], config: StatusCommandTests.config)
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    let mark = scene.journal.lines.count { $0.contains("\"saw\":\"link_closed\"") }
    // Not even with a worker that could not poll does it poll by itself; who is connected it then does not know.
    let run = try await scene.blupow(
      ["stability", "--runs", "3", "--pause", "10ms", "--json"], config: PollCommandTests.config, worker: "/nonexistent")
    #expect(run.exitCode == 0, "\(run.output)\(run.errors)")
    let (whole, device) = try report(run)
    #expect(whole["passed"] as? Bool == true && device["polled_by"] as? String == "service")
    #expect(device["verdict"] as? String == "excellent" && (device["runs"] as? [Fields])?.count == 3)
    let leaks = try #require(device["leaks"] as? Fields)
    #expect(leaks["processes"] as? Int == 0 && leaks["descriptors"] as? Int == 0 && leaks["links"] is NSNull, "\(run.output)")
    #expect(scene.journal.lines.count { $0.contains("\"saw\":\"link_closed\"") } == mark + 3)
    kill(service.pid, SIGTERM)
    #expect(await Scene.hear(service).exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a link that stands after the last poll fails, however well the polls went`() async throws {
    // As of a module that bluetoothd trusts: it comes back by itself, and polls share it.
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"reconnects"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.blupow(
      ["stability", "--runs", "2", "--pause", "0s", "--json", "--link", "bluez"], config: PollCommandTests.config)
    #expect(run.exitCode == 1)
    let device = try report(run).device
    #expect(device["success_rate"] as? Double == 1, "\(run.output)")
    #expect(leaks(device) == ["processes": 0, "descriptors": 0, "links": 1])
    #expect((device["faults"] as? [String])?.first?.hasPrefix("The module is still connected") == true)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `processes that workers leave fail, however well the polls went`() async throws {
    let scene = try await Scene.one()
    let worker = "\(scene.simulation.directory)/leaves-a-stray"
    try scene.write("#!/bin/bash\nexec '\(Built.path("zoo"))' fine_with_a_stray\n", to: worker, isProgram: true)
    let run = try await scene.blupow(
      ["stability", "--runs", "3", "--pause", "0s"], config: PollCommandTests.config, worker: worker)
    #expect(run.exitCode == 1)
    #expect(run.output.contains("3 of 3 succeeded (100.0 %)"), "\(run.output)")
    #expect(
      run.output.contains("  left      3 processes, 0 descriptors, links unknown\n  ! Processes that workers left: 3."),
      "\(run.output)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(10))) func `a descriptor that a service has kept open fails`() async throws {
    let scene = try await Scene.one()
    let config = """
      interval: 300s
      timeout: 60s
      devices:
        - {name: Inverter, address: "D8:B6:73:BF:4F:75", profile: inverter, unit: 32}
        - {name: Lost, address: "AA:BB:CC:00:11:22", profile: inverter}
      """
    let service = try await scene.start(["run"], config: config)
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    let child = try await scene.start(["stability", "Inverter", "--runs", "2", "--pause", "2s"], config: config)
    var run = CommandRun()
    var waiting: Conversation?
    for await event in child.output {
      switch event {
      case .line(let line):
        run.output += String(decoding: line, as: UTF8.self) + "\n"
        guard waiting == nil else { continue }
        // A client whose answer takes as long as the poll of a module that is not there: for the service a descriptor as any other.
        waiting = try Conversation("\(scene.simulation.directory)/blupow/blupow.sock")
        let body = #"{"devices":["Lost"]}"#
        waiting?.say("POST /poll HTTP/1.1\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
      case .ended(let ending): run.ending = ending
      default: break
      }
    }
    #expect(run.exitCode == 1)
    #expect(run.output.contains("2 of 2 succeeded (100.0 %), made by the running service"), "\(run.output)")
    #expect(run.output.contains("0 processes, 1 descriptor, 0 links\n  ! Descriptors that were not closed: 1."), "\(run.output)")
    kill(service.pid, SIGTERM)
    #expect(await Scene.hear(service).exitCode == 0)
    withExtendedLifetime(waiting) {}
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `told to end it gives the report so far, has not passed, and leaves nothing`() async throws
  {
    let scene = try await Scene.one()
    let child = try await scene.start(["stability", "--runs", "1000", "--pause", "0s"], config: PollCommandTests.config)
    var (run, isTold) = (CommandRun(), false)
    for await event in child.output {
      switch event {
      case .line(let line):
        run.output += String(decoding: line, as: UTF8.self) + "\n"
        if !isTold { kill(child.pid, SIGINT) }
        isTold = true
      case .ended(let ending): run.ending = ending
      default: break
      }
    }
    #expect(run.exitCode == 1)
    #expect(run.output.contains("\nInverter: excellent, not passed\n"), "\(run.output)")
    #expect(run.output.contains("  ! It was not run to its end."))
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a service that ends takes the test with it`() async throws {
    let scene = try await Scene.one()
    let service = try await scene.start(["run"], config: StatusCommandTests.config)
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    let child = try await scene.start(
      ["stability", "--runs", "1000", "--pause", "0s", "--json"], config: PollCommandTests.config)
    let mark = scene.journal.count
    _ = try await scene.journal.wait(from: mark) { $0.contains("\"saw\":\"link_closed\"") }
    kill(service.pid, SIGTERM)
    #expect(await Scene.hear(service).exitCode == 0)
    let run = await Scene.hear(child)
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("The test ends here."), "\(run.errors)")
    let (whole, device) = try report(run)
    #expect(whole["complete"] as? Bool == false && device["polled_by"] as? String == "service")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `every device has its turn, and one that fails fails the whole`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.blupow(
      ["stability", "--runs", "1", "--pause", "0s"],
      config: """
        timeout: 10s
        devices:
          - {name: Inverter, address: "D8:B6:73:BF:4F:75", profile: inverter, unit: 32}
          - {name: Lost, address: "AA:BB:CC:00:11:22", profile: inverter}
        """)
    #expect(run.exitCode == 1)
    #expect(run.output.contains("Inverter: excellent, passed") && run.output.contains("Lost: poor, not passed"), "\(run.output)")
    #expect(run.output.contains("Lost  1/1  failed  not_seen at scan, after "))
    #expect(run.output.hasSuffix("\nAll in all: not passed\n"))
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (["Toaster"], "No device is called 'Toaster'; there are: Inverter."), (["--runs", "0"], "--runs 0"),
      (["--runs", "1001"], "--runs 1001"), (["--pause", "a while"], "--pause 'a while'"), (["--pause", "2h"], "--pause '2h'"),
    ])
  func `a wrong argument is named`(arguments: [String], sentence: String) async throws {
    let scene = try await Scene.start("{}")
    let run = try await scene.blupow(["stability"] + arguments, config: PollCommandTests.config)
    #expect(run.exitCode == 64 && run.output.isEmpty)
    #expect(run.errors.contains(sentence), "\(run.errors)")
    await scene.end()
  }
}
