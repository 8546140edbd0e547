import BlueZ
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// A poll that leaves other programs' links alone; that it does so beside a real bluetoothd, too, is in the contract.
@Suite(.timeLimit(.minutes(5))) struct YieldTests {
  /// Disconnects that anybody asked for.
  private static func disconnects(_ scene: Scene) async throws -> Int {
    // Its answer comes behind all that the journal had to say.
    _ = try await scene.state()
    return scene.journal.lines.count { $0.contains("\"saw\":\"disconnect_asked\"") }
  }

  @Test func `told to stop as it finds the link, it leaves it alone too`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    for link in LinkKind.allCases {
      for stage in [Stage.lock, .bus, .release, .connect] {
        let run = try await scene.poll(["--yield"], link: link) { line, child in
          if case .stage(stage, _) = line.event { child.kill(SIGTERM) }
        }
        #expect(run.exitCode == 75, "\(run.raw)")
      }
    }
    #expect(try await scene.state().contains(#""links":["D8:B6:73:BF:4F:75"]"#))
    #expect(try await Self.disconnects(scene) == 0)
    await scene.end()
  }

  @Test func `told to stop while nothing of its own stands, it sends no Disconnect`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"daemon_mute","method":"Disconnect"}]"#)
    let run = try await scene.poll(["--yield"]) { line, child in
      guard case .stage(.release, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains("\"saw\":\"muted\"") }
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(.release), "\(run.raw)")
    _ = try await scene.state()
    // The one with which it made sure that nothing is pending.
    #expect(scene.journal.lines.count { $0.contains("\"saw\":\"muted\"") } == 1)
    await scene.end()
  }

  @Test func `a link by another adapter is another program's as well`() async throws {
    let scene = try await Scene.one(
      #""known":true,"adapter":["hci0","hci1"]"#, adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    let path = BusClient.devicePath(scene.address).replacing("hci0", with: "hci1")
    _ = try await scene.client().ask("Connect", ObjectTree.device, on: path)
    let run = try await scene.poll(["--yield"])
    #expect(run.failure?.failure == .busy && run.done?.link == Done.Link.none, "\(run.raw)")
    #expect(try await Self.disconnects(scene) == 0)
    await scene.end()
  }

  @Test func `a link that another program makes while the module is looked for is left alone`() async throws {
    let scene = try await Scene.one(#""advertising":false"#)
    let run = try await scene.poll(["--yield"]) { line, _ in
      guard case .stage(.scan, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains("discovery_started") }
      _ = try? await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    }
    #expect(run.failure?.failure == .busy && run.failure?.stage == .release, "\(run.raw)")
    #expect(run.stages == [.lock, .bus, .scan, .release])
    #expect(try await Self.disconnects(scene) == 0)
    await scene.end()
  }

  @Test func `an attempt that another program left is no link, and is ended`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"never_connects","times":1}]"#)
    let client = try await scene.client()
    _ = try await client.send("Connect", ObjectTree.device, on: BusClient.devicePath(Scene.address))
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"connect_asked\"") }
    let run = try await scene.poll(["--yield"])
    #expect(run.readings != nil && run.done?.foundStanding == false, "\(run.raw)")
    await scene.end()
  }

  @Test func `its own link that it could not see ended is no other program's`() async throws {
    let scene = try await Scene.one(
      #""faults":[{"fault":"notify_refused","times":1},{"fault":"disconnect_never","times":1}]"#)
    let run = try await scene.poll(["--yield", "--retry-delay", "100ms"])
    #expect(run.readings != nil && run.done?.attempts == 2, "\(run.raw)")
    await scene.end()
  }

  @Test func `a connection of its own that came when it was given up is no other program's`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"connects_when_given_up","times":1}]"#)
    let run = try await scene.poll(["--yield", "--retry-delay", "300ms"], deadline: "12s", link: .kernel)
    #expect(run.readings != nil && run.done?.attempts == 2, "\(run.raw)")
    #expect(try await scene.quiet() != nil)
    #expect(scene.journal.lines.contains { $0.contains("\"saw\":\"linked\"") && $0.contains("bluetoothd") })
    await scene.end()
  }

  @Test(arguments: LinkKind.allCases) func `it neither frees nor forgets`(link: LinkKind) async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(["--yield", "--forget"], link: link)
    #expect(run.failure?.failure == .busy && run.done?.forgot == false, "\(run.raw)")
    #expect(try await Self.disconnects(scene) == 0)
    #expect(scene.journal.lines.count { $0.contains("\"saw\":\"connect_asked\"") } == (link == .kernel ? 1 : 0))
    #expect(!scene.journal.lines.contains { $0.contains("\"saw\":\"remove_device\"") })
    await scene.end()
  }
}
