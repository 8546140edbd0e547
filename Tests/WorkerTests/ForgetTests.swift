import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// A poll that has bluetoothd drop what it remembers of the module; that a real one does so is in the contract.
@Suite(.timeLimit(.minutes(5))) struct ForgetTests {
  private static func removals(_ scene: Scene) async throws -> Int {
    // Its answer comes behind all that the journal had to say.
    _ = try await scene.state()
    return scene.journal.lines.count { $0.contains("\"saw\":\"remove_device\"") }
  }

  @Test func `a module that bluetoothd remembers wrongly fails until it is forgotten`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"stale_cache"}]"#)
    #expect(try await scene.poll().failure?.failure == .wrongProfile)
    let run = try await scene.poll(["--forget"])
    #expect(run.readings?.readings.count == Scene.inverterReadings && run.exitCode == 0, "\(run.raw)")
    #expect(run.done?.forgot == true && run.done?.link == .closed)
    #expect(run.stages == [.lock, .bus, .release, .scan, .connect, .services, .subscribe, .read, .disconnect])
    #expect(run.done?.rssi == -58)
    #expect(try await Self.removals(scene) == 1)
    let next = try await scene.poll()
    #expect(next.readings != nil && next.done?.forgot == false, "\(next.raw)")
    #expect(try await Self.removals(scene) == 1)
    await scene.end()
  }

  @Test func `a bond is not given up for a poll`() async throws {
    let scene = try await Scene.one(#""known":true,"paired":true"#)
    let run = try await scene.poll(["--forget"])
    #expect(run.readings != nil && run.done?.forgot == false, "\(run.raw)")
    #expect(run.log.contains { $0.contains("is paired: bluetoothd is not made to forget it") })
    #expect(try await Self.removals(scene) == 0)
    await scene.end()
  }

  @Test func `a link that stands is freed before it is forgotten`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.client().connect(Scene.address)
    let run = try await scene.poll(["--forget"])
    #expect(run.readings != nil && run.done?.forgot == true && run.done?.foundStanding == true, "\(run.raw)")
    let closed = try await scene.journal.wait { $0.contains("\"saw\":\"link_closed\"") }
    #expect(closed.contains("\"by\":\"disconnect\""))
    await scene.end()
  }

  @Test(arguments: [true, false])
  func `a link that no Disconnect ends goes with what is forgotten, or is busy`(answers: Bool) async throws {
    let mute = answers ? "" : #",{"fault":"daemon_mute","method":"RemoveDevice"}"#
    let scene = try await Scene.one("\"known\":true,\"faults\":[{\"fault\":\"disconnect_never\",\"times\":1}\(mute)]")
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(["--forget"])
    #expect(run.done?.forgot == answers && run.done?.foundStanding == answers, "\(run.raw)")
    if answers {
      #expect(run.readings != nil, "\(run.raw)")
    } else {
      #expect(run.failure?.failure == .busy && run.failure?.stage == .release, "\(run.raw)")
    }
    await scene.end()
  }

  @Test func `a RemoveDevice that is never answered costs three seconds and nothing else`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"daemon_mute","method":"RemoveDevice"}]"#)
    let run = try await scene.poll(["--forget"])
    #expect(run.readings?.readings.count == Scene.inverterReadings && run.done?.attempts == 1, "\(run.raw)")
    #expect(run.done?.forgot == false)
    #expect(run.log.contains { $0.contains("RemoveDevice of D8:B6:73:BF:4F:75 was not answered in time") }, "\(run.log)")
    let asking = try #require(run.done?.stages[.release])
    #expect(asking >= 3000 && asking < 5000)
    await scene.end()
  }

  @Test func `a RemoveDevice that is refused costs nothing`() async throws {
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"\(Scene.address)","known":true,"delays":\(Scene.fast),
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]}]}
      """, busPolicy: #"<deny send_destination="org.bluez" send_interface="org.bluez.Adapter1" send_member="RemoveDevice"/>"#)
    let run = try await scene.poll(["--forget"])
    #expect(run.readings?.readings.count == Scene.inverterReadings && run.exitCode == 0, "\(run.raw)")
    #expect(run.done?.forgot == false && !run.stages.contains(.scan))
    #expect(run.log.contains { $0.contains("Going on with what bluetoothd remembers") }, "\(run.log)")
    await scene.end()
  }

  @Test func `where bluetoothd goes meanwhile, nothing is gone on with`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"daemon_mute","method":"RemoveDevice"}]"#)
    let run = try await scene.poll(["--forget"]) { line, _ in
      guard case .stage(.release, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains("\"saw\":\"muted\"") }
      scene.simulation.simulator.kill(SIGKILL)
    }
    #expect(run.failure?.failure == .daemonMissing && run.failure?.stage == .release, "\(run.raw)")
    #expect(run.ending.lasted < .seconds(10))
    await scene.end()
  }

  @Test func `what bluetoothd does not know need not be forgotten`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.poll(["--forget"])
    #expect(run.readings != nil && run.done?.forgot == false, "\(run.raw)")
    #expect(try await Self.removals(scene) == 0)
    await scene.end()
  }

  @Test func `once a poll is enough`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"connect_fails_once"}]"#)
    let run = try await scene.poll(["--forget", "--retry-delay", "100ms"])
    #expect(run.readings != nil && run.done?.attempts == 2 && run.done?.forgot == true, "\(run.raw)")
    #expect(try await Self.removals(scene) == 1)
    await scene.end()
  }

  @Test func `by the kernel's link nothing is removed, and nothing that was learned is used`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    let address = try #require(Address(Scene.address))
    let job = PollJob(
      module: Module(address: address), devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)], link: .kernel,
      learned: Learned(addressType: .random), forgets: true)
    let run = try await scene.worker(
      input: try Wire.line(Request(poll: "p-1", deadline: .seconds(25), job: .poll(job))), sockets: true)
    #expect(run.readings?.readings.count == Scene.inverterReadings, "\(run.raw)")
    // bluetoothd's word for it, who was asked: what was learned said random.
    #expect(run.done?.learned?.addressType == .public)
    #expect(run.done?.forgot == false)
    #expect(try await Self.removals(scene) == 0)
    await scene.end()
  }
}
