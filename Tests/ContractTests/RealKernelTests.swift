import BlueZ
import DBus
import Glibc
import Readings
import Rig
import Supervisor
import Synchronization
import Testing

/// The kernel's own link where there is a kernel: what it promises, and what may go on beside it. In the virtual machine's long
/// suite.
@Suite(.enabled(if: Worlds.isReal), .serialized, .timeLimit(.minutes(5))) struct RealKernelTests {
  @Test func `a module that was never heard of is read without a scan`() async throws {
    for _ in 0..<3 {
      let scene = try await Scene.contract()
      let run = try await scene.poll(link: .kernel)
      #expect(run.isGood && !run.stages.contains(.scan) && run.done?.by == .kernel, "\(run.raw)")
      print("never heard of: connected in \(run.done?.stages[.connect] ?? -1) ms, read after \(run.ending.lasted)")
      await scene.end()
    }
  }

  @Test func `by nobody, who may do nothing`() async throws {
    let scene = try await Scene.contract()
    // The build's folders may be closed to nobody.
    let home = "/run/blupow-nobody"
    mkdir(home, 0o700)
    chown(home, 65534, 65534)
    let run = try await scene.run(
      Command(
        path: "/bin/sh",
        arguments: [
          "-c",
          """
          cp "$0" \(home)/worker && exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set -all \
            --inh-caps -all \(home)/worker "$@"
          """,
          Built.path("blupow-worker"), "poll", "--address", scene.address, "--profile", "inverter", "--unit", "32", "--link",
          "kernel",
        ], environment: ["XDG_RUNTIME_DIR": home, "PATH": "/usr/bin:/bin"]), .seconds(60))
    #expect(run.isGood && run.done?.by == .kernel, "\(run.raw) \(run.log)")
    await scene.end()
  }

  @Test func `killed while it is subscribed: free by itself, and the next one connects at once meanwhile`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"silent"}]"#)
    for isNext in [false, true] {
      let killed = try await scene.poll(link: .kernel) { line, child in
        guard case .stage(.read, _) = line.event else { return }
        child.kill(SIGKILL)
      }
      #expect(killed.done == nil)
      if isNext {
        _ = try await scene.tell(#"{"do":"faults","address":"\#(scene.address)","faults":[]}"#)
        let next = try await scene.poll(link: .kernel)
        #expect(next.isGood, "\(next.raw)")
        // The kernel still has the link: nobody is waited for.
        #expect(try #require(next.done?.stages[.connect]) < 300, "\(next.raw)")
      } else {
        let free = try #require(try await scene.quiet(within: .seconds(6)))
        print("killed while subscribed: free after \(free)")
        #expect(free < .seconds(3))
      }
    }
    await scene.end()
  }

  @Test func `what auto takes: the kernel's where it is to be had, bluetoothd's in a network of its own, and says so once`()
    async throws
  {
    let scene = try await Scene.contract(#""known":true"#)
    let poll = ["poll", "--address", scene.address, "--profile", "inverter", "--unit", "32"]
    for more in [[], ["--adapter", "hci0"], ["--link", "kernel", "--adapter", "hci0"]] {
      let run = try await scene.worker(poll + more)
      #expect(run.isGood && run.done?.by == .kernel, "\(more): \(run.raw)")
    }
    func apart(_ program: String, _ arguments: [String], _ more: [String: String] = [:]) -> Command {
      Command(
        path: "/usr/bin/unshare", arguments: ["--net", Built.path(program)] + arguments,
        environment: scene.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 }.merging(more) { $1 })
    }
    let auto = try await scene.run(apart("blupow-worker", poll), .seconds(60))
    #expect(auto.isGood && auto.done?.by == .bluez, "\(auto.raw)")
    let kernel = try await scene.run(apart("blupow-worker", poll + ["--link", "kernel"]), .seconds(60))
    #expect(kernel.failure?.failure == .adapterMissing && kernel.exitCode == 69, "\(kernel.raw)")
    #expect(kernel.failure?.message.contains("the host's network") == true, "\(kernel.raw)")
    // The service polls several times, and says it once.
    let config = "/run/blupow-contract/auto.yaml"
    try scene.write(
      "interval: 1s\ndevices: [{name: Inverter, address: '\(scene.address)', profile: inverter, unit: 32}]\n", to: config)
    let service = try await Spawner.shared.start(
      apart("blupow", ["run", "-v", "--config", config], ["BLUPOW_MIN_INTERVAL": "1s", "BLUPOW_CONFIG": config]),
      limits: .command, deadline: .seconds(60))
    var told = 0
    var polled = 0
    for await event in service.output {
      guard case .errorLine(let line) = event else { continue }
      if line.contains("not to be had here") { told += 1 }
      if line.contains("ok=true") { polled += 1 }
      if polled == 3 { service.kill(SIGTERM) }
    }
    #expect(told == 1 && polled >= 3)
    await scene.end()
  }

  @Test func `handles that a firmware update has moved cost no reading`() async throws {
    let scene = try await Scene.contract()
    let first = try #require(try await scene.poll(link: .kernel).done?.learned)
    #expect(first.handles != nil)
    // No firmware changes while a link stands.
    #expect(try await scene.quiet(within: .seconds(6)) != nil)
    _ = try await scene.tell(#"{"do":"gatt","gatt":"moved"}"#)
    let run = try await scene.poll(knowing: first)
    #expect(run.isGood && run.done?.attempts == 1, "\(run.raw)")
    let second = try #require(run.done?.learned)
    #expect(second.handles != nil && second.handles != first.handles)
    let again = try await scene.poll(knowing: second)
    #expect(again.isGood && again.done?.learned == second, "\(again.raw)")
    await scene.end()
  }

  @Test func `a connect that is pending is answered when the module comes`() async throws {
    let scene = try await Scene.contract(#""advertising":false"#)
    let run = try await scene.poll(link: .kernel) { line, _ in
      guard case .stage(.connect, _) = line.event else { return }
      try? await Task.sleep(for: .seconds(1))
      _ = try? await scene.tell(#"{"do":"advertise","address":"\#(scene.address)","on":true}"#)
    }
    #expect(run.isGood && run.done?.attempts == 1, "\(run.raw)")
    await scene.end()
  }

  @Test func `killed while its connect is pending: nothing is left of it`() async throws {
    let scene = try await Scene.contract(#""advertising":false"#)
    let killed = try await scene.poll(link: .kernel) { line, child in
      guard case .stage(.connect, _) = line.event else { return }
      try? await Task.sleep(for: .seconds(1))
      child.kill(SIGKILL)
    }
    #expect(killed.ending.cause == .signalled(SIGKILL))
    _ = try await scene.tell(#"{"do":"advertise","address":"\#(scene.address)","on":true}"#)
    // A connect that lived on would be answered now.
    try await Task.sleep(for: .seconds(3))
    #expect(!scene.journal.lines.contains { $0.contains(#""saw":"linked""#) })
    let run = try await scene.poll(link: .kernel)
    #expect(run.isGood, "\(run.raw)")
    #expect(try #require(run.done?.stages[.connect]) < 1000, "\(run.raw)")
    await scene.end()
  }

  @Test func `another program connects by D-Bus meanwhile: both have the link, and it falls with us`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":700}]"#)
    let client = try await scene.client()
    try await client.scan(for: scene.address)
    let path = BusClient.devicePath(scene.address)
    let run = try await scene.poll(link: .kernel) { line, _ in
      guard case .stage(.read, _) = line.event else { return }
      let answer = try? await client.ask("Connect", ObjectTree.device, on: path)
      #expect(answer?.kind == .methodReturn)
    }
    #expect(run.isGood, "\(run.raw)")
    let free = try await scene.quiet(within: .seconds(6))
    #expect(free != nil)
    print("another's Connect on our link: free \(free.map { "\($0)" } ?? "never") after our end")
    await scene.end()
  }

  @Test func `a link by another program's socket is freed, and said`() async throws {
    let scene = try await Scene.contract(#""known":true,"faults":[{"fault":"slow","ms":1000}]"#)
    let poll = [
      "poll", "--address", scene.address, "--profile", "inverter", "--unit", "32", "--link", "kernel", "--attempts", "1",
    ]
    // Another worker with locks of its own stands for another program.
    let elsewhere = scene.environment.merging(["XDG_RUNTIME_DIR": "/run/blupow-other"]) { $1 }
    mkdir("/run/blupow-other", 0o700)
    let second = Mutex<Task<WorkerRun, any Error>?>(nil)
    let first = try await scene.run(
      Command(path: Built.path("blupow-worker"), arguments: poll, environment: elsewhere), .seconds(60)
    ) { line, _ in
      guard case .stage(.read, _) = line.event else { return }
      second.withLock { $0 = Task { try await scene.worker(poll) } }
    }
    // Cut short, wherever it was: without readings, or without the optional ones.
    #expect(!first.isGood, "\(first.raw)")
    let run = try #require(try await second.withLock { $0 }?.value)
    #expect(run.isGood && run.done?.foundStanding == true, "\(run.raw)")
    await scene.end()
  }

  @Test func `a type that is wrong is never answered, and ends at the deadline`() async throws {
    let scene = try await Scene.contract()
    let run = try await scene.poll(knowing: Learned(addressType: .public), deadline: .seconds(8))
    #expect(run.failure?.failure == .connectTimeout && run.failure?.stage == .connect, "\(run.raw)")
    #expect(run.ending.lasted < .seconds(8) + Worlds.slack)
    #expect(try await scene.quiet() != nil)
    await scene.end()
  }

  @Test func `without bluetoothd`() async throws {
    let scene = try await Scene.contract()
    try await Part.bluetoothd.kill()
    for _ in 0..<2 {
      let run = try await scene.poll(link: .kernel)
      #expect(run.isGood, "\(run.raw)")
    }
    try await Part.bluetoothd.start()
    await scene.end()
  }

  @Test func `bluetoothd is killed and comes back in the middle of a poll`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":1500}]"#)
    let run = try await scene.poll(link: .kernel) { line, _ in
      guard case .stage(.read, _) = line.event else { return }
      do {
        try await Part.bluetoothd.kill()
        try await Part.bluetoothd.start()
      } catch { Issue.record(error) }
    }
    #expect(run.isGood && run.done?.attempts == 1, "\(run.raw)")
    await scene.end()
  }

  @Test func `bluetoothd is stopped in the middle of a poll, and takes the adapter's power with it`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":1500}]"#)
    let run = try await scene.poll(link: .kernel) { line, _ in
      guard case .stage(.read, _) = line.event else { return }
      do { try await Part.bluetoothd.stop() } catch { Issue.record(error) }
    }
    print("bluetoothd stopped in a poll: \(run.failure.map { "\($0.failure)" } ?? "nothing")")
    #expect([.adapterOff, .linkLost].contains(run.failure?.failure), "\(run.raw)")
    #expect(run.ending.lasted < .seconds(25) + Worlds.slack)
    let without = try await scene.poll(link: .kernel)
    #expect(without.failure?.failure == .adapterOff, "\(without.raw)")
    try await Part.bluetoothd.start()
    let after = try await scene.poll(link: .kernel)
    #expect(after.isGood, "\(after.raw)")
    await scene.end()
  }

  @Test func `the adapter is removed in the middle of a poll, and comes back`() async throws {
    let scene = try await Scene.contract(#""faults":[{"fault":"slow","ms":1500}]"#)
    let run = try await scene.poll(link: .kernel) { line, _ in
      guard case .stage(.read, _) = line.event else { return }
      do { try await Part.btvirt.kill() } catch { Issue.record(error) }
    }
    print("hci0 removed in a poll: \(run.failure.map { "\($0.failure)" } ?? "nothing")")
    #expect([.linkLost, .adapterMissing].contains(run.failure?.failure), "\(run.raw)")
    #expect(run.ending.lasted < .seconds(25) + Worlds.slack)
    for arguments in [[], ["--adapter", "hci0"]] {
      let without = try await scene.poll(arguments, link: .kernel)
      #expect(without.failure?.failure == .adapterMissing, "\(without.raw)")
    }
    try await Part.bringControllersBack()
    await scene.end()
    let after = try await Scene.contract()
    #expect(try await after.poll(link: .kernel).isGood)
    await after.end()
  }

  @Test func `a module that the kernel was told to connect to whenever it is heard`() async throws {
    let scene = try await Scene.contract()
    let client = try await scene.client()
    try await client.scan(for: scene.address)
    try await Part.kernel.run("connect", scene.address)
    let path = BusClient.devicePath(scene.address)
    func connects() async throws -> Bool {
      try await client.until(within: .seconds(10)) {
        $0.property(path, ObjectTree.device, "Connected")?.asBool == true
      } != nil
    }
    for link in LinkKind.allCases {
      #expect(try await connects(), "it does not connect by itself")
      let run = try await scene.poll(link: link)
      print("auto-connected, by \(link): \(run.failure.map { $0.message } ?? "read")")
      // bluetoothd's link is shared; who is first at the kernel's is a race, and its loser says why.
      if link == .bluez || run.failure == nil {
        #expect(run.readings?.readings == WorkerRun.expected, "\(run.raw)")
      } else {
        #expect(run.failure?.failure == .busy && run.failure?.message.contains("untrust") == true, "\(run.raw)")
      }
    }
    try await Part.kernel.run("forget", scene.address)
    await scene.end()
  }

  @Test(arguments: LinkKind.allCases) func `two and three modules at once`(link: LinkKind) async throws {
    for count in [2, 3] {
      var scenes: [Scene] = []
      // Each is slow enough to be still read when the last one is.
      for number in 1...count {
        scenes.append(try await Scene.contract(#""known":true,"faults":[{"fault":"slow","ms":1500}]"#, number: number))
      }
      for _ in 0..<2 {
        let runs = try await Self.pollTogether(scenes[...], link)
        #expect(runs.count == count)
        for run in runs { #expect(run.isGood && run.done?.attempts == 1, "\(count) modules: \(run.raw)") }
        for scene in scenes { #expect(try await scene.quiet(within: .seconds(6)) != nil) }
      }
      for scene in scenes { await scene.end() }
    }
  }

  /// One after the other, each while the ones before it are read: these controllers know links by their order (peripheral.py).
  private static func pollTogether(_ scenes: ArraySlice<Scene>, _ link: LinkKind) async throws -> [WorkerRun] {
    guard let scene = scenes.first else { return [] }
    let rest = Mutex<Task<[WorkerRun], any Error>?>(nil)
    let run = try await scene.poll(link: link) { line, _ in
      guard case .stage(.read, _) = line.event else { return }
      rest.withLock { $0 = Task { try await pollTogether(scenes.dropFirst(), link) } }
    }
    return [run] + (try await rest.withLock { $0 }?.value ?? [])
  }

  @Test(arguments: LinkKind.allCases) func `in the sandbox of the service's unit`(link: LinkKind) async throws {
    let scene = try await Scene.contract(#""known":true"#)
    let home = "/run/blupow-sandbox"
    let config = "devices: [{name: Inverter, address: '\(scene.address)', profile: inverter, unit: 32, link: \(link)}]"
    let script = """
      mkdir -p \(home) && cp "$1" "$2" \(home)/ && echo "$3" >\(home)/config.yaml && chown -R nobody \(home) \
        && chmod 600 \(home)/config.yaml && exec "$0" \(home)/blupow poll
      """
    let ended = try await Self.shell(script, [Built.path("blupow"), Built.path("blupow-worker"), config])
    #expect(ended.exitCode == 0, "\(ended.output) \(ended.errors)")
    #expect(ended.output.contains("51.2 V"), "\(ended.output) \(ended.errors)")
    await scene.end()
  }

  @Test func `the sandbox of the service's unit is in force`() async throws {
    let families =
      "import socket as s; print(s.socket(31, s.SOCK_SEQPACKET).family, flush=True); s.socket(s.AF_NETLINK, s.SOCK_RAW)"
    let ended = try await Self.shell(
      #"exec "$0" /bin/sh -c 'id -u; grep Cap /proc/self/status; python3 -c "$0"' "$1""#, [families])
    #expect(ended.exitCode == 1)
    let lines = ended.output.split(separator: "\n")
    #expect(lines.first == "65534" && lines.contains("CapBnd:\t0000000000000000"), "\(ended.output) \(ended.errors)")
    #expect(lines.contains("31"), "the kernel's Bluetooth: \(ended.output)")
    #expect(ended.output.contains("Address family not supported") || ended.output.contains("not permitted"), "\(ended.output)")
  }

  /// Runs a script whose `$0` is Tests/RealBlueZ/sandbox.
  private static func shell(_ script: String, _ arguments: [String]) async throws -> CommandRun {
    let sandbox = try #require(getenv("BLUPOW_REAL_PART").map { String(cString: $0) }).replacing(
      "RealBlueZ/part", with: "RealBlueZ/sandbox")
    let command = Command(
      path: "/bin/sh", arguments: ["-c", script, sandbox] + arguments,
      environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    return await Scene.hear(try await Spawner.shared.start(command, limits: .command, deadline: .seconds(120)))
  }
}
