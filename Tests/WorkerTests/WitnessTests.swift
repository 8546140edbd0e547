import BlueZ
import Foundation
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// What a poll by the kernel's link asks of bluetoothd, when, and what becomes of it without an answer. The first guess at this
/// module's address is random; bluetoothd, where it lists it, has public.
struct WitnessTests {
  private static let mute = #"{"fault":"daemon_mute","method":"GetManagedObjects"}"#

  // MARK: - The address's type

  @Test(.timeLimit(.minutes(5)), arguments: [(true, AddressType.public), (false, .random)])
  func `the address's type is bluetoothd's, where it lists the module`(known: Bool, type: AddressType) async throws {
    let scene = try await Scene.one("\"known\":\(known)")
    let run = try await scene.poll(link: .kernel)
    #expect(run.readings != nil)
    #expect(run.done?.learned?.addressType == type)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a type that nobody answered to is not learned`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"never_connects"}]"#)
    let run = try await scene.poll(["--attempts", "1"], deadline: "4s", link: .kernel)
    #expect(run.failure?.failure == .connectTimeout)
    #expect(run.failure?.message.contains("as a public address.") == true, "\(run.raw)")
    #expect(run.done?.learned == nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a poll that knows the type does not open the bus`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[\#(Self.mute)]"#)
    let run = try await scene.poll(knowing: Learned(addressType: .random))
    #expect(run.readings != nil)
    #expect(run.done?.learned?.addressType == .random)
    #expect(!scene.journal.lines.contains { $0.contains("\"saw\":\"muted\"") })
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: ["mute", "frozen", "refusing", "absent"])
  func `a bus or bluetoothd that does not answer costs a second at most, and no reading`(trouble: String) async throws {
    let refusal = #"<deny send_destination="org.bluez" send_interface="org.freedesktop.DBus.ObjectManager"/>"#
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"\(Scene.address)","devices":[{"unit":32,"registers":"RIV4835CSH1S"}],
        "delays":\(Scene.fast),"faults":[\(trouble == "mute" ? Self.mute : "")]}]}
      """, busPolicy: trouble == "refusing" ? refusal : "")
    if trouble == "frozen" { await scene.simulation.bus.freeze() }
    var environment = scene.environment.merging(["BLUPOW_ATT_SOCKETS": scene.simulation.attSockets]) { $1 }
    if trouble == "absent" { environment["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=\(scene.simulation.directory)/none" }
    let child = try await Spawner.shared.start(
      Command(
        path: Built.path("blupow-worker"), arguments: ["poll", "--address", Scene.address, "--profile", "inverter"],
        environment: environment), limits: .worker, deadline: .seconds(40))
    var run = WorkerRun()
    for await event in child.output {
      if case .line(let line) = event, let event = try? Wire.decode(EventLine.self, from: line) { run.events.append(event) }
      if case .errorLine(let line) = event { run.log.append(line) }
    }
    #expect(run.readings != nil)
    #expect(run.done?.by == .kernel)
    #expect(run.log.contains { $0.contains("bluetoothd was not asked") }, "\(run.log)")
    let asking = try #require(run.done?.stages[.bus])
    #expect(asking < 2500)
    if ["mute", "frozen"].contains(trouble) { #expect(asking >= 1000) }
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a stop is heard while bluetoothd is asked`() async throws {
    let scene = try await Scene.one(#""faults":[\#(Self.mute)]"#)
    let run = try await scene.poll(link: .kernel) { line, child in
      guard case .stage(.bus, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains("\"saw\":\"muted\"") }
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(.bus))
    #expect(run.exitCode == 75)
    #expect(try await scene.quiet() != nil)
    #expect(!scene.journal.lines.contains { $0.contains("\"saw\":\"connect_asked\"") })
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `bluetoothd is not started for a question`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "blupow-services-\(UInt32.random(in: 0 ... .max))")
      .path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let service = "[D-BUS Service]\nName=org.bluez\nUser=\(NSUserName())\nExec=/usr/bin/touch \(directory)/started\n"
    try Data(service.utf8).write(to: URL(fileURLWithPath: "\(directory)/org.bluez.service"))
    let scene = try await Scene.start(
      "{}", busPolicy: "</policy><servicedir>\(directory)</servicedir><policy context=\"default\">")
    let reset = try await scene.worker(["reset-adapter"]) { line, _ in
      guard case .stage(.release, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains(#""powered":false"#) }
      scene.simulation.simulator.kill(SIGKILL)
    }
    #expect(reset.failure?.failure == .daemonMissing, "\(reset.raw)")
    try await scene.untilSimulatorIsGone()
    let kernel = try await scene.poll(deadline: "4s", link: .kernel)
    #expect(kernel.failure?.failure == .connectTimeout)
    let release = try await scene.worker(["release", "--address", scene.address])
    #expect(release.exitCode == 69, "\(release.raw)")
    for job in ["probe", "reset-adapter"] {
      #expect(try await scene.worker([job]).failure?.failure == .daemonMissing)
    }
    #expect(!FileManager.default.fileExists(atPath: "\(directory)/started"))
    // Whose bus it is does start one: bluetoothd's own link needs it.
    _ = try await scene.poll(deadline: "4s")
    #expect(FileManager.default.fileExists(atPath: "\(directory)/started"))
    await scene.end()
  }

  // MARK: - A link that stands

  @Test(.timeLimit(.minutes(5))) func `a link that bluetoothd was left with is freed, and said`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.client().connect(Scene.address)
    let run = try await scene.poll(["--attempts", "1"], link: .kernel)
    #expect(run.readings?.readings.count == Scene.inverterReadings)
    #expect(run.done?.foundStanding == true)
    #expect(run.stages == [.lock, .bus, .connect, .release, .connect, .services, .subscribe, .read, .disconnect])
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `an attempt that bluetoothd was left with is ended`() async throws {
    let scene = try await Scene.one(#""known":true,"faults":[{"fault":"never_connects","times":1}]"#)
    let client = try await scene.client()
    _ = try await client.send("Connect", ObjectTree.device, on: BusClient.devicePath(Scene.address))
    _ = try await scene.journal.wait { $0.contains("\"saw\":\"connect_asked\"") }
    let run = try await scene.poll(["--attempts", "1"], link: .kernel)
    #expect(run.readings != nil)
    #expect(run.done?.foundStanding == false)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a link that cannot be freed is busy`() async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"disconnect_never"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(deadline: "6s", link: .kernel)
    #expect(run.failure?.failure == .busy)
    #expect(run.failure?.stage == .release)
    #expect(run.done?.foundStanding == false)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func `what is busy by no link of bluetoothd's is another program's socket`(known: Bool) async throws {
    let scene = try await Scene.one("\"known\":\(known),\"faults\":[{\"fault\":\"busy_forever\"}]")
    let run = try await scene.poll(["--attempts", "1"], link: .kernel)
    #expect(run.failure?.failure == .busy)
    #expect(run.failure?.stage == .connect)
    #expect(run.failure?.message.contains("by a socket of its own") == true, "\(run.raw)")
    #expect(run.done?.foundStanding == false)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `where bluetoothd cannot be asked, a link in use is busy and left alone`() async throws {
    let scene = try await Scene.one(#""faults":[\#(Self.mute)]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.poll(["--attempts", "1"], link: .kernel)
    #expect(run.failure?.failure == .busy)
    #expect(run.failure?.message.contains("a socket of its own") == false, "\(run.raw)")
    #expect(try await scene.state().contains(#""links":["D8:B6:73:BF:4F:75"]"#))
    await scene.end()
  }

  // MARK: - Another client's discovery

  private func discovering(_ scene: Scene) async throws -> BusClient {
    let client = try await scene.client()
    _ = try await client.ask("StartDiscovery", ObjectTree.adapter, on: BusClient.adapter)
    return client
  }

  @Test(.timeLimit(.minutes(5))) func `a connection that somebody's discovery holds up is waited for, on the same socket`()
    async throws
  {
    let scene = try await Scene.one(delays: Scene.fast.replacing("}", with: #","discovery_ms":5000}"#))
    let client = try await discovering(scene)
    // Each of two attempts has 3.3 s.
    let run = try await scene.poll(["--retry-delay", "100ms"], deadline: "12s", link: .kernel)
    #expect(run.readings != nil, "\(run.raw)")
    #expect(run.done?.attempts == 1)
    #expect(scene.journal.lines.count { $0.contains("\"saw\":\"connect_asked\"") } == 1)
    #expect(run.log.count { $0.contains("discovery running on hci0") } == 1, "\(run.log)")
    withExtendedLifetime(client) {}
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func `a timeout names the discovery that may be to blame`(discovers: Bool) async throws {
    let scene = try await Scene.one(#""faults":[{"fault":"not_advertising"}]"#)
    let client = discovers ? try await discovering(scene) : nil
    let run = try await scene.poll(deadline: "7s", link: .kernel)
    #expect(run.failure?.failure == .connectTimeout)
    #expect(run.failure?.message.contains("discovery running on hci0") == discovers, "\(run.raw)")
    #expect(run.failure?.message.contains("link: bluez") == discovers)
    withExtendedLifetime(client) {}
    await scene.end()
  }
}
