import BlueZ
import DBus
import Glibc
import Readings
import Rig
import Supervisor
import Testing

/// The rungs of the recovery ladder that a worker climbs, on the simulator and on a real bluetoothd.
@Suite(.timeLimit(.minutes(10))) struct RecoveryTests {
  private static func power(_ client: BusClient) async throws -> Bool? {
    try await client.property("Powered", of: BusClient.adapter, ObjectTree.adapter)?.asBool
  }

  @Test func `a module that is forgotten is unknown, looked for, and read`() async throws {
    let scene = try await Scene.contract()
    #expect(try await scene.poll().isGood)
    // Where the module's side can, its serial line is somewhere else by now.
    if Worlds.isReal { _ = try await scene.tell(#"{"do":"gatt","gatt":"moved"}"#) }
    let run = try await scene.poll(["--forget"])
    #expect(run.isGood && run.done?.forgot == true && run.done?.attempts == 1, "\(run.raw)")
    #expect(run.stages == [.lock, .bus, .release, .scan, .connect, .services, .subscribe, .read, .disconnect])
    #expect(try await scene.quiet() != nil)
    let next = try await scene.poll()
    #expect(next.isGood && next.done?.forgot == false && !next.stages.contains(.scan), "\(next.raw)")
    await scene.end()
  }

  @Test func `a module that is connected is freed, forgotten, and read`() async throws {
    let scene = try await Scene.contract(#""known":true"#)
    let client = try await scene.client()
    _ = try await client.connect(scene.address)
    let run = try await scene.poll(["--forget"])
    #expect(run.isGood && run.done?.forgot == true && run.done?.foundStanding == true, "\(run.raw)")
    await scene.end()
  }

  @Test func `by the kernel's link bluetoothd forgets nothing`() async throws {
    let scene = try await Scene.contract(#""known":true"#)
    let run = try await scene.poll(["--forget"], link: .kernel)
    #expect(run.isGood && run.done?.forgot == false, "\(run.raw)")
    #expect(try await scene.client().tree().objects[BusClient.devicePath(scene.address)] != nil)
    await scene.end()
  }

  @Test(arguments: LinkKind.allCases) func `another program's link is left alone where that is wanted`(link: LinkKind)
    async throws
  {
    let scene = try await Scene.contract(#""known":true"#)
    let client = try await scene.client()
    let path = BusClient.devicePath(scene.address)
    _ = try await client.connect(scene.address)
    let run = try await scene.poll(["--yield"], link: link)
    #expect(
      run.failure
        == FailureReport(
          .busy, at: .release, "Another program on this host is connected to \(scene.address); its link was left alone."),
      "\(run.raw)")
    #expect(run.exitCode == 75 && run.done?.foundStanding == true && run.done?.link == Done.Link.none, "\(run.raw)")
    // One attempt, and none of its waits.
    #expect(run.ending.lasted < .seconds(2) + Worlds.slack)
    // Longer than bluetoothd takes to end one.
    try await Task.sleep(for: .seconds(3))
    #expect(try await client.property("Connected", of: path)?.asBool == true)
    if !Worlds.isReal { #expect(!scene.journal.lines.contains { $0.contains("disconnect_asked") }) }
    // Nothing in the way, it polls as any.
    _ = try await client.ask("Disconnect", ObjectTree.device, on: path)
    #expect(try await scene.quiet() != nil)
    let free = try await scene.poll(["--yield"], link: link)
    #expect(free.isGood && free.done?.foundStanding == false, "\(free.raw)")
    await scene.end()
  }

  @Test func `an adapter that is reset goes off and on, its links fall, and polls go on`() async throws {
    let scene = try await Scene.contract(#""known":true"#)
    let client = try await scene.client()
    let path = BusClient.devicePath(scene.address)
    _ = try await client.connect(scene.address)
    let run = try await scene.worker(["reset-adapter", "--adapter", "hci0"]) { line, _ in
      guard case .stage(.release, _) = line.event else { return }
      let off = try? await client.until(within: .seconds(5)) {
        $0.property(BusClient.adapter, ObjectTree.adapter, "Powered")?.asBool == false
      }
      #expect(off != nil, "it was not seen off")
    }
    #expect(run.exitCode == 0 && run.done?.link == Done.Link.none, "\(run.raw)")
    #expect(try #require(run.done?.stages[.release]) >= 5500)
    #expect(try await Self.power(client) == true)
    #expect(try await client.property("Connected", of: path)?.asBool != true)
    for link in LinkKind.allCases {
      let next = try await scene.poll(link: link)
      #expect(next.isGood, "\(next.raw)")
      #expect(try await scene.quiet(within: .seconds(6)) != nil)
    }
    await scene.end()
  }

  @Test func `a reset that is told to stop while the adapter is off leaves it on`() async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    let run = try await scene.worker(["reset-adapter", "--adapter", "hci0"]) { line, child in
      guard case .stage(.release, _) = line.event else { return }
      _ = try? await client.until(within: .seconds(5)) {
        $0.property(BusClient.adapter, ObjectTree.adapter, "Powered")?.asBool == false
      }
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(.release) && run.exitCode == 75, "\(run.raw)")
    let on = try await client.until(within: .seconds(5)) {
      $0.property(BusClient.adapter, ObjectTree.adapter, "Powered")?.asBool == true
    }
    #expect(on != nil)
    #expect(try await scene.poll().isGood)
    await scene.end()
  }

  // An adapter that is being switched off takes its time: the instants are what is tried.
  @Test(arguments: [0, 20, 100]) func `a reset that is told to stop as it begins leaves the adapter on`(instant: Int) async throws
  {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    let run = try await scene.worker(["reset-adapter", "--adapter", "hci0"]) { line, child in
      guard case .stage(.release, _) = line.event else { return }
      try? await Task.sleep(for: .milliseconds(instant))
      child.kill(SIGTERM)
    }
    #expect(run.events.last?.event == .stopped(.release), "\(run.raw)")
    try await Task.sleep(for: .seconds(3))
    #expect(try await Self.power(client) == true, "stopped after \(instant) ms")
    await scene.end()
  }

  @Test func `a probe says when the adapter is off, and when it is back`() async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    // In the machine there may be more adapters than one.
    let tree = try await client.tree()
    let adapters = tree.paths(with: ObjectTree.adapter).filter {
      tree.property($0, ObjectTree.adapter, "Powered")?.asBool == true
    }
    func power(_ on: Bool) async throws {
      let body: [Value] = [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(on))]
      for adapter in adapters { _ = try await client.ask("Set", ObjectTree.properties, on: adapter, body) }
    }
    let well = try await scene.worker(["probe"])
    #expect(well.exitCode == 0, "\(well.raw)")
    try await power(false)
    let off = try await scene.worker(["probe"])
    #expect(off.failure?.failure == .adapterOff && off.exitCode == 69, "\(off.raw)")
    try await power(true)
    #expect(try await scene.worker(["probe"]).exitCode == 0)
    await scene.end()
  }
}
