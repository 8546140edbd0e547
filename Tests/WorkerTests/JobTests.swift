import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// The jobs besides `poll`.
@Suite struct JobTests {
  @Test(.timeLimit(.minutes(5))) func `a scan names who is nearby, and ends its discovery`() async throws {
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"D8:B6:73:BF:4F:75","name":"BTRIC134000035   ","rssi":-58,"delays":\(Scene.fast),"devices":[]},
        {"address":"AA:BB:CC:00:11:22","name":"Fridge","rssi":-80,"delays":\(Scene.fast),"devices":[]}]}
      """)
    let run = try await scene.worker(["scan", "--for", "1s"])
    let seen = run.events.compactMap { if case .seen(let device) = $0.event { device } else { nil } }
    #expect(Set(seen.map(\.address.text)) == ["D8:B6:73:BF:4F:75", "AA:BB:CC:00:11:22"])
    let module = seen.first { $0.address.text == "D8:B6:73:BF:4F:75" }
    #expect(module?.name == "BTRIC134000035")
    #expect(module?.profile == "inverter")
    #expect(module?.rssi == -58)
    #expect(module?.isRenogy == true)
    #expect(seen.first { $0.name == "Fridge" }?.isRenogy == false)
    #expect(run.exitCode == 0)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `release frees a link that somebody left`() async throws {
    let scene = try await Scene.one(#""known":true"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    let run = try await scene.worker(["release", "--address", Scene.address])
    #expect(run.done?.foundStanding == true)
    #expect(run.done?.link == .closed)
    #expect(run.exitCode == 0)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `release of a module that nobody knows has nothing to do`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.worker(["release", "--address", "AA:BB:CC:00:11:22"])
    #expect(run.done?.link == Done.Link.none)
    #expect(run.exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `release leaves a module alone that a living worker holds`() async throws {
    let scene = try await Scene.one()
    let lock = try HeldLock(of: Scene.address, under: scene.simulation.directory)
    let run = try await scene.worker(["release", "--address", Scene.address, "--deadline", "4s"])
    #expect(run.failure?.failure == .held)
    lock.free()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a probe says what the radio side looks like`() async throws {
    let scene = try await Scene.one(#""known":true"#, adapters: #"[{"name":"hci0"},{"name":"hci1","powered":false}]"#)
    let run = try await scene.worker(["probe"])
    let probe = run.events.compactMap { if case .probed(let probe) = $0.event { probe } else { nil } }.first
    #expect(probe?.adapters.map(\.name) == ["hci0", "hci1"])
    #expect(probe?.adapters.map(\.powered) == [true, false])
    #expect(probe?.adapters.first?.devices == 1)
    #expect(probe?.adapters.map(\.links) == [[], []])
    #expect(run.exitCode == 0)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a probe says who is connected, whoever's link it is, and frees nothing`() async throws {
    let scene = try await Scene.one(#""known":true"#, adapters: #"[{"name":"hci0"},{"name":"hci1"}]"#)
    _ = try await scene.tell(#"{"do":"link","address":"D8:B6:73:BF:4F:75","owner":"other"}"#)
    for _ in 1...2 {
      let run = try await scene.worker(["probe"])
      let probe = run.events.compactMap { if case .probed(let probe) = $0.event { probe } else { nil } }.first
      #expect(probe?.adapters.map(\.links) == [[try #require(Address(Scene.address))], []])
      #expect(probe?.adapters.map(\.connected) == [1, 0])
    }
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (#"[{"name":"hci0","powered":false},{"name":"hci1","powered":false}]"#, Failure.adapterOff, 2), ("[]", .adapterMissing, 0),
    ])
  func `a probe fails where no adapter would do, and says what it saw all the same`(
    adapters: String, failure: Failure, count: Int
  ) async throws {
    let scene = try await Scene.one(adapters: adapters)
    let run = try await scene.worker(["probe"])
    #expect(run.failure?.failure == failure && run.exitCode == 69, "\(run.raw)")
    #expect(run.events.contains { if case .probed(let probe) = $0.event { probe.adapters.count == count } else { false } })
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a probe without bluetoothd, without an answer of its bus, and without a bus`() async throws
  {
    let scene = try await Scene.one()
    scene.simulation.simulator.kill(SIGKILL)
    try await scene.untilSimulatorIsGone()
    #expect(try await scene.worker(["probe"]).failure?.failure == .daemonMissing)
    await scene.simulation.bus.freeze()
    let silent = try await scene.worker(["probe", "--deadline", "4s"])
    #expect(silent.failure?.failure == .busSilent && silent.exitCode == 75, "\(silent.raw)")
    await scene.simulation.end()
    #expect(try await scene.worker(["probe"]).failure?.failure == .busMissing)
  }
}
