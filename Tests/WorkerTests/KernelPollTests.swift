import BlueZ
import DBus
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// What only a poll by the kernel's link does, on the simulator's attribute sockets; its faults are in the contract's tables.
struct KernelPollTests {
  @Test func `a poll by the kernel's link reads what a poll by bluetoothd reads, and leaves nothing`() async throws {
    let scene = try await Scene.one()
    let kernel = try await scene.poll(link: .kernel)
    #expect(kernel.exitCode == 0)
    #expect(kernel.stages == [.lock, .bus, .connect, .services, .subscribe, .read, .disconnect])
    #expect(kernel.done?.link == .closed && kernel.done?.by == .kernel)
    #expect(
      kernel.done?.learned
        == Learned(addressType: .random, handles: SerialHandles(write: 0x12, notify: 0x22, configuration: 0x23)))
    #expect(try await scene.quiet() != nil)
    let bluez = try await scene.poll()
    #expect(bluez.done?.by == .bluez && bluez.done?.learned == nil)
    #expect(kernel.readings != nil && kernel.readings == bluez.readings)
    await scene.end()
  }

  @Test func `remembered handles are looked at, and wrong ones cost no reading`() async throws {
    let scene = try await Scene.one()
    for configuration in [0x23, 0x24] as [UInt16] {
      let learned = Learned(
        addressType: .random, handles: SerialHandles(write: 0x12, notify: 0x22, configuration: configuration))
      let run = try await scene.poll(knowing: learned)
      #expect(run.readings != nil)
      #expect(run.done?.learned?.handles == SerialHandles(write: 0x12, notify: 0x22, configuration: 0x23))
    }
    await scene.end()
  }

  @Test(arguments: [("auto", true, LinkKind.kernel), ("auto", false, .bluez), ("bluez", true, .bluez)])
  func `the link is the one asked for; auto takes what stands in for the radio`(
    choice: String, sockets: Bool, by: LinkKind
  ) async throws {
    let scene = try await Scene.one()
    let run = try await scene.worker(
      ["poll", "--address", scene.address, "--profile", "inverter", "--link", choice], sockets: sockets)
    #expect(run.done?.by == by && run.exitCode == 0)
    await scene.end()
  }

  @Test func `a stand-in for the radio is refused on the host's bus`() async throws {
    let scene = try await Scene.one()
    let refused = try await Spawner.shared.start(
      Command(
        path: Built.path("blupow-worker"),
        arguments: ["poll", "--address", "D8:B6:73:BF:4F:70", "--profile", "inverter", "--link", "kernel", "--deadline", "5s"],
        environment: [
          "BLUPOW_ATT_SOCKETS": scene.simulation.attSockets, "XDG_RUNTIME_DIR": scene.simulation.directory,
          "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/dbus/system_bus_socket",
        ]), limits: .worker, deadline: .seconds(20))
    var said: [String] = []
    for await event in refused.output { if case .line(let line) = event { said.append(String(decoding: line, as: UTF8.self)) } }
    #expect(said.contains { $0.contains("bad_request") && $0.contains("BLUPOW_ATT_SOCKETS") })
    await scene.end()
  }

  @Test(arguments: [Stage.connect, .services, .read])
  func `a worker that is killed anywhere leaves no link, and no release is needed`(held: Stage) async throws {
    let faults: [Stage: String] = [
      .connect: #"{"fault":"never_connects"}"#, .services: #"{"fault":"services_never_resolve"}"#,
      .read: #"{"fault":"silent"}"#,
    ]
    let scene = try await Scene.one(#""faults":[\#(faults[held] ?? "")]"#)
    let run = try await scene.poll(link: .kernel) { line, child in
      guard case .stage(held, _) = line.event else { return }
      child.kill(SIGKILL)
    }
    #expect(run.done == nil)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(arguments: [Stage.connect, .services, .read])
  func `a worker that is told to stop does so at once and leaves no link`(held: Stage) async throws {
    let faults: [Stage: String] = [
      .connect: #"{"fault":"never_connects"}"#, .services: #"{"fault":"services_never_resolve"}"#, .read: #"{"fault":"silent"}"#,
    ]
    let scene = try await Scene.one(#""faults":[\#(faults[held] ?? "")]"#)
    let run = try await scene.poll(link: .kernel) { line, child in
      guard case .stage(held, _) = line.event else { return }
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(held))
    #expect(run.exitCode == 75)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [SIGKILL, SIGTERM])
  func `a connection that is made as its worker ends is bluetoothd's, and a release frees it`(signal: Int32) async throws {
    // Made a moment later, so that a release that only looked once would see nothing.
    let scene = try await Scene.one(
      #""faults":[{"fault":"connects_when_given_up"}]"#,
      delays: Scene.fast.replacing("\"connect_ms\":0", with: "\"connect_ms\":200"))
    let run = try await scene.poll(link: .kernel) { line, child in
      guard case .stage(.connect, _) = line.event else { return }
      _ = try? await scene.journal.wait { $0.contains("\"saw\":\"connect_asked\"") }
      child.kill(signal)
    }
    #expect(run.done == nil)
    let release = try await scene.worker(["release", "--address", scene.address])
    #expect(release.exitCode == 0 && release.done?.foundStanding == true && release.done?.link == .closed, "\(release.raw)")
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a release frees the link by whichever adapter it stands`() async throws {
    let scene = try await Scene.one(
      #""known":true,"adapter":["hci0","hci1"]"#, adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    let path = BusClient.devicePath(scene.address).replacing("hci0", with: "hci1")
    let answer = try await scene.client().ask("Connect", "org.bluez.Device1", on: path)
    #expect(answer.kind == .methodReturn)
    let release = try await scene.worker(["release", "--address", scene.address])
    #expect(release.done?.foundStanding == true && release.done?.link == .closed, "\(release.raw)")
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a connection that is made as the worker gives it up is freed by the worker`()
    async throws
  {
    let scene = try await Scene.one(
      #""faults":[{"fault":"connects_when_given_up","from_request":2}]"#,
      delays: Scene.fast.replacing("\"connect_ms\":0", with: "\"connect_ms\":200"))
    // Once, so that its address's type is known; then it is no longer listed.
    let learned = try #require(try await scene.poll(link: .kernel).done?.learned)
    #expect(try await scene.quiet() != nil)
    _ = try await scene.client().ask(
      "RemoveDevice", "org.bluez.Adapter1", on: BusClient.adapter, [.objectPath(BusClient.devicePath(scene.address))])
    let run = try await scene.poll(knowing: learned, deadline: .seconds(6))
    #expect(run.failure?.failure == .connectTimeout && run.done?.link == .closed, "\(run.raw)")
    #expect(scene.journal.lines.contains { $0.contains("\"saw\":\"linked\"") && $0.contains("bluetoothd") })
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `of several adapters it takes the one under which bluetoothd lists the module`()
    async throws
  {
    let scene = try await Scene.one(
      #""known":true,"adapter":"hci1""#, adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    let run = try await scene.poll(link: .kernel)
    #expect(run.done?.learned?.adapter == "hci1", "\(run.raw)")
    let named = try await scene.poll(["--adapter", "hci1"], link: .kernel)
    #expect(named.readings != nil && named.done?.learned?.adapter == nil, "\(named.raw)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a second attempt waits until what is left of the first one's link is gone`() async throws {
    let scene = try await Scene.one(
      #""faults":[{"fault":"notify_refused","times":1}]"#,
      delays: #"{"advertise_ms":5,"connect_ms":5,"services_ms":5,"reply_ms":5,"fragment_ms":1,"disconnect_ms":2500}"#)
    let run = try await scene.poll(link: .kernel)
    #expect(run.readings != nil && run.done?.attempts == 2, "\(run.raw)")
    #expect(scene.journal.lines.count { $0.contains("\"saw\":\"linked\"") } == 2)
    await scene.end()
  }

  @Test func `workers killed at instants all over the poll leave nothing that the next one minds`() async throws {
    let scene = try await Scene.one(
      delays:
        #"{"advertise_ms":5,"connect_ms":20,"services_ms":20,"reply_ms":10,"fragment_ms":2,"disconnect_ms":40}"#)
    var killed = 0
    for instant in stride(from: 0, to: 150, by: 5) {
      let run = try await scene.poll(link: .kernel) { line, child in
        guard line.event == .link(by: .kernel) else { return }
        // The instant is what is tried, not what is waited for.
        try? await Task.sleep(for: .milliseconds(instant))
        child.kill(SIGKILL)
      }
      if run.done == nil { killed += 1 }
      // At once, on what the dead one's link left behind.
      if instant % 15 == 0 { #expect(try await scene.poll(link: .kernel).readings != nil) }
    }
    #expect(killed > 10)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }
}
