import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// The kernel link's code against the simulator's attribute sockets: real processes, the same faults, no bluetoothd in the way.
struct KernelPollTests {
  @Test func `a poll by the kernel's link reads what a poll by bluetoothd reads, and leaves nothing`() async throws {
    let scene = try await Scene.one()
    let kernel = try await scene.kernelPoll()
    #expect(kernel.exitCode == 0)
    #expect(kernel.stages == [.lock, .connect, .services, .subscribe, .read, .disconnect])
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
      let request = Request(
        poll: "p-1", deadline: .seconds(25),
        job: .poll(
          PollJob(
            module: Module(address: try #require(Address(Scene.address))),
            devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)], link: .kernel, learned: learned)))
      let run = try await scene.kernelWorker([], input: try Wire.line(request))
      #expect(run.readings != nil)
      #expect(run.done?.learned?.handles == SerialHandles(write: 0x12, notify: 0x22, configuration: 0x23))
    }
    await scene.end()
  }

  @Test func `bluez is what was asked for, and a stand-in for the radio is refused on the host's bus`() async throws {
    let scene = try await Scene.one()
    #expect(try await scene.kernelPoll(["--link", "bluez"]).done?.by == .bluez)
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

  @Test(
    arguments: [
      (#"{"fault":"never_connects"}"#, Failure.connectTimeout, Stage.connect),
      (#"{"fault":"not_advertising"}"#, .connectTimeout, .connect),
      (#"{"fault":"auth_failed"}"#, .pairingRequired, .connect), (#"{"fault":"slots"}"#, .slots, .connect),
      (#"{"fault":"busy_forever"}"#, .busy, .connect), (#"{"fault":"connect_error"}"#, .connectFailed, .connect),
      (#"{"fault":"services_never_resolve"}"#, .servicesUnresolved, .services),
      (#"{"fault":"no_characteristics"}"#, .wrongProfile, .services),
      (#"{"fault":"notify_refused"}"#, .notifyRefused, .subscribe), (#"{"fault":"notify_ignored"}"#, .silent, .read),
      (#"{"fault":"drop_on_subscribe"}"#, .linkLost, .read), (#"{"fault":"silent"}"#, .silent, .read),
      (#"{"fault":"drop_link","from_request":2}"#, .linkLost, .read), (#"{"fault":"wrong_crc"}"#, .badFrames, .read),
      (#"{"fault":"wrong_id"}"#, .badFrames, .read), (#"{"fault":"truncated"}"#, .badFrames, .read),
      (#"{"fault":"exception"}"#, .modbusException, .read),
    ] as [(String, Failure, Stage)])
  func `a fault has its failure, in its stage, and leaves nothing`(fault: String, failure: Failure, stage: Stage) async throws {
    let scene = try await Scene.one(#""faults":[\#(fault)]"#)
    let run = try await scene.kernelPoll(["--attempts", "1"], deadline: "12s")
    #expect(run.failure?.failure == failure)
    #expect(run.failure?.stage == stage)
    #expect(run.exitCode == failure.exitCode.rawValue)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(arguments: [
    #"{"fault":"connect_fails_once"}"#, #"{"fault":"drop_on_subscribe","times":1}"#, #"{"fault":"notify_refused","times":1}"#,
    #"{"fault":"services_late","ms":1500}"#, #"{"fault":"slow"}"#, #"{"fault":"wrong_crc","times":1}"#,
    #"{"fault":"noise","times":1}"#,
    #"{"fault":"drop_link","from_request":3,"times":1}"#,
  ])
  func `what passes by itself costs no reading`(fault: String) async throws {
    let scene = try await Scene.one(#""faults":[\#(fault)]"#)
    let run = try await scene.kernelPoll(["--retry-delay", "100ms"])
    #expect(run.readings != nil && run.exitCode == 0)
    await scene.end()
  }

  @Test func `a module in use by another program is busy, and its link is left alone`() async throws {
    let scene = try await Scene.one()
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.kernelPoll(["--attempts", "1"])
    #expect(run.failure?.failure == .busy)
    #expect(try await scene.state().contains(#""links":["D8:B6:73:BF:4F:75"]"#))
    await scene.end()
  }

  @Test(arguments: [Stage.connect, .services, .read])
  func `a worker that is killed anywhere leaves no link, and no release is needed`(held: Stage) async throws {
    let faults: [Stage: String] = [
      .connect: #"{"fault":"never_connects"}"#, .services: #"{"fault":"services_never_resolve"}"#,
      .read: #"{"fault":"silent"}"#,
    ]
    let scene = try await Scene.one(#""faults":[\#(faults[held] ?? "")]"#)
    let run = try await scene.kernelPoll { line, child in
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
    let run = try await scene.kernelPoll { line, child in
      guard case .stage(held, _) = line.event else { return }
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(held))
    #expect(run.exitCode == 75)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `workers killed at instants all over the poll leave nothing that the next one minds`() async throws {
    let scene = try await Scene.one(
      delays:
        #"{"advertise_ms":5,"connect_ms":20,"services_ms":20,"reply_ms":10,"fragment_ms":2,"disconnect_ms":40}"#)
    var killed = 0
    for instant in stride(from: 0, to: 150, by: 5) {
      let run = try await scene.kernelPoll { line, child in
        guard line.event == .link(by: .kernel) else { return }
        // The instant is what is tried, not what is waited for.
        try? await Task.sleep(for: .milliseconds(instant))
        child.kill(SIGKILL)
      }
      if run.done == nil { killed += 1 }
      // At once, on what the dead one's link left behind.
      if instant % 15 == 0 { #expect(try await scene.kernelPoll().readings != nil) }
    }
    #expect(killed > 10)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }
}
