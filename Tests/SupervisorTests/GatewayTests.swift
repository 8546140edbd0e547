import FoundationEssentials
import Glibc
import Logging
import Policy
import Readings
import Rig
import Synchronization
import Testing

@testable import Supervisor

@Suite struct GatewayTests {
  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  func gateway(
    _ arguments: [String], path: String = Built.path("zoo"), devices: Int = 1, interval: Duration = .seconds(1),
    timeout: TimeoutScale = .automatic, log: Logger? = nil, whenPolled: @escaping @Sendable (PolledDevice) -> Void = { _ in }
  ) throws -> Gateway {
    let config = GatewayConfig(
      name: "cabin", interval: interval, timeout: timeout,
      devices: try (0..<devices).map {
        DeviceConfig(
          name: "Device \($0)", address: try #require(Address("D8:B6:73:BF:4F:0\($0)")), profile: "inverter", unit: 32)
      })
    return Gateway(
      config, worker: WorkerCommand(path: path, arguments: arguments, environment: [:]), log: log ?? quiet, jitter: { 0 },
      whenPolled: whenPolled)
  }

  @Test func `a running gateway publishes readings, again and again`() async throws {
    let gateway = try gateway(["fine"], devices: 2)
    let running = Task { await gateway.run() }
    var polls = 0
    for await status in gateway.statuses {
      polls += 1
      guard polls >= 4 else { continue }
      #expect(status.gateway == "cabin")
      #expect(status.devices.map(\.name) == ["Device 0", "Device 1"])
      #expect(status.devices[0].status == .connected)
      #expect(status.devices[0].readings == ["battery_voltage": Reading(.number(52.4), unit: "V")])
      #expect(status.devices[0].connectMs == 1240)
      break
    }
    running.cancel()
    await running.value
  }

  @Test func `who writes the history is told what was accepted, what of it was computed, and what has the register's own sign`()
    async throws
  {
    let told = Mutex<[PolledDevice]>([])
    let gateway = try gateway(["fine"]) { polled in told.withLock { $0.append(polled) } }
    _ = await gateway.pollOnce()
    let address = try #require(Address("D8:B6:73:BF:4F:00"))
    func note(_ answer: PollOutcome.Answer) async {
      await gateway.note(PollOutcome(poll: "p", answers: ["Device 0": answer]), of: address)
    }
    var readings = [
      "battery_current": Reading(.number(-2), unit: "A"), "battery_power": Reading(.number(-26), unit: "W"),
    ]
    let accepted = readings
    for total in [5.0, 4] {
      readings["total_energy"] = Reading(.number(total), unit: "kWh")
      await note(
        .readings(
          DeviceReadings(
            device: "Device 0", profile: "inverter", unit: 32, model: nil, readings: readings, implausible: [],
            rawSign: ["battery_current", "total_energy"], derived: ["battery_power", "total_energy"],
            counters: ["total_energy"])))
    }
    await note(.failed(FailureReport(.silent, at: .read, "no answer")))
    let polled = told.withLock { $0.dropFirst() }
    // A lifetime counter that falls is not believed.
    readings["total_energy"] = Reading(.number(5), unit: "kWh")
    #expect(polled.map(\.readings) == [readings, accepted, nil])
    #expect(polled.map(\.derived) == [["battery_power", "total_energy"], ["battery_power"], []])
    #expect(polled.map(\.rawSign) == [["battery_current", "total_energy"], ["battery_current"], []])
    #expect(polled.map(\.failure?.failure) == [nil, nil, .silent])
  }

  @Test func `a worker that leaves processes is one warning when that begins and one notice when it ends`() async throws {
    let lines = LogLines()
    let gateway = try gateway(["fine"], log: Logger(label: "test", factory: { _ in lines.handler(level: .notice) }))
    _ = await gateway.pollOnce()
    let address = try #require(Address("D8:B6:73:BF:4F:00"))
    let before = lines.all.count
    func note(strays: Int) async -> [Problem] {
      await gateway.note(PollOutcome(poll: "p", answers: [:], strays: strays), of: address)
      return await gateway.snapshot().problems
    }
    #expect(await note(strays: 0) == [])
    for strays in [1, 2, 3] {
      let problems = await note(strays: strays)
      #expect(problems.map(\.name) == [.workerStrays] && problems.map(\.address) == [address])
      #expect(problems[0].message == "the worker left other processes; killed: \(strays)")
    }
    #expect(await note(strays: 0) == [])
    #expect(
      lines.all[before...] == [
        "warning \(address): worker_strays: the worker left other processes; killed: 1",
        "notice \(address): worker_strays is over, after 0 s",
      ])
  }

  @Test func `one poll of each device tells what came of it`() async throws {
    let status = await (try gateway(["fine"], devices: 5)).pollOnce()
    #expect(status.devices.map(\.status) == Array(repeating: .connected, count: 5))
  }

  @Test func `one poll of a device by its name leaves the others alone`() async throws {
    let status = await (try gateway(["fails"], devices: 3)).pollOnce(devices: ["Device 1"])
    #expect(status.devices.map(\.name) == ["Device 1"])
    #expect(status.devices[0].failure?.failure == .notSeen)
  }

  @Test func `a release that fails is a problem, and one that works is none`() async throws {
    let failing = await (try gateway(["leaves_its_link", "release_fails"])).pollOnce()
    #expect(failing.devices[0].status == .connected)
    #expect(failing.problems.map(\.name) == [.releaseFailed])
    #expect(failing.problems[0].message == "Disconnect was not answered.")
    #expect(await (try gateway(["leaves_its_link"])).pollOnce().problems == [])
  }

  @Test func `a wish is fulfilled without waiting for the interval`() async throws {
    let gateway = try gateway(["fine"], devices: 2, interval: .seconds(300))
    let running = Task { await gateway.run() }
    var first: FleetStatus?
    for await status in gateway.statuses where status.devices[0].pollMs != nil {
      first = status
      break
    }
    let readAt = try #require(first?.devices[0].readAt)
    let again = await gateway.pollNow(devices: ["Device 0"])
    #expect(try #require(again.devices[0].readAt) > readAt)
    running.cancel()
    await running.value
  }

  @Test func `a change of status is one line in the log, and a poll none above debug`() async throws {
    let lines = LogLines()
    let gateway = try gateway(["fine"], log: Logger(label: "test", factory: { _ in lines.handler(level: .info) }))
    for _ in 0..<3 { _ = await gateway.pollOnce() }
    #expect(lines.all == ["notice Device 0 is connected"])
  }

  @Test func `a status is told with how long the last one lasted, and why it ended`() async throws {
    let device = try await #require(gateway(["fails"]).pollOnce().devices.first)
    let start = ContinuousClock.now
    let last = StatusReport(status: .connected, available: true, since: start)
    let report = StatusReport(status: .offline, available: true, since: start + .seconds(312))
    #expect(
      report.text(of: device, after: last)
        == "Device 0 is offline, after connected for 312 s: not_seen: D8:B6:73:BF:4F:75 was not seen for 8.0 s.")
  }

  // MARK: Another configuration

  private func config(_ devices: [DeviceConfig], interval: Duration = .seconds(1)) -> GatewayConfig {
    GatewayConfig(name: "cabin", interval: interval, devices: devices)
  }

  private func device(_ name: String = "A", unit: UInt8 = 32, address: String = "D8:B6:73:BF:4F:00") throws -> DeviceConfig {
    DeviceConfig(name: name, address: try #require(Address(address)), profile: "inverter", unit: unit)
  }

  func gateway(
    _ config: GatewayConfig, _ arguments: [String], host: HostClock = .real, memory: FleetMemory = FleetMemory()
  )
    -> Gateway
  {
    Gateway(
      config, memory: memory, worker: WorkerCommand(path: Built.path("zoo"), arguments: arguments, environment: [:]), log: quiet,
      host: host, jitter: { 0 })
  }

  /// Waits for a status; the test's time limit ends what does not come.
  private func wait(_ gateway: Gateway, for match: (FleetStatus) -> Bool) async throws -> FleetStatus {
    while true {
      try Task.checkCancellation()
      let status = await gateway.snapshot()
      if match(status) { return status }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private func workers(_ mark: String) -> [Int32] { Processes.children(named: "zoo", argument: mark) }

  @Test(.timeLimit(.minutes(5))) func `readings of a device that was replaced in the middle of its poll are not its successor's`()
    async throws
  {
    let gateway = gateway(config([try device(unit: 1)], interval: .seconds(300)), ["fine_then_hangs", "of_the_replaced"])
    let running = Task { await gateway.run() }
    _ = try await wait(gateway) { $0.devices[0].status == .connected }
    // The worker has said its readings, and closes its link for ever.
    await gateway.adopt(config([try device(unit: 2)], interval: .seconds(300)))
    #expect(await gateway.snapshot().devices[0].age == nil)
    for worker in workers("of_the_replaced") { kill(worker, SIGKILL) }
    while !workers("of_the_replaced").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let after = await gateway.pollNow(devices: []).devices[0]
    #expect(after.age == nil && after.pollMs == nil && after.readings.isEmpty)
    running.cancel()
    await running.value
  }

  @Test(.timeLimit(.minutes(5))) func `of two changes during one poll the second counts`() async throws {
    let first = config([try device()], interval: .seconds(300))
    let gateway = gateway(first, ["sleeps_a_second_then_fine"])
    let running = Task { await gateway.run() }
    while await gateway.asked.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    await gateway.adopt(config([try device(), try device("B", unit: 48)]))
    await gateway.adopt(first)
    _ = try await wait(gateway) { $0.devices[0].pollMs != nil }
    let address = try device().address
    #expect(await gateway.machines[address]?.config == first.modules[0])
    running.cancel()
    await running.value
  }

  @Test(.timeLimit(.minutes(5)), arguments: [0, 1, 5, 50])
  func `a module that is removed and added again while its last poll ends has its new settings`(milliseconds: Int) async throws {
    let gateway = gateway(config([try device()], interval: .seconds(300)), ["hangs"])
    let running = Task { await gateway.run() }
    while await gateway.asked.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let other = try device("Other", address: "D8:B6:73:BF:4F:01")
    await gateway.adopt(config([other], interval: .seconds(300)))
    if milliseconds > 0 { try await Task.sleep(for: .milliseconds(milliseconds)) }
    let again = config([try device("B", unit: 48), other], interval: .seconds(200))
    await gateway.adopt(again)
    let address = try device().address
    while await gateway.machines[address]?.config != again.modules[0] { try await Task.sleep(for: .milliseconds(5)) }
    // It is driven: it is asked for as it is configured now.
    while await gateway.asked[address] != again.modules[0] { try await Task.sleep(for: .milliseconds(5)) }
    await gateway.adopt(config([other], interval: .seconds(300)))
    while await gateway.machines[address] != nil { try await Task.sleep(for: .milliseconds(5)) }
    running.cancel()
    await running.value
  }

  @Test(.timeLimit(.minutes(5))) func `a configuration that comes before the first poll counts`() async throws {
    let gateway = gateway(config([try device()]), ["fine"])
    let other = try device("Other", address: "D8:B6:73:BF:4F:01")
    await gateway.adopt(config([other]))
    await gateway.adopt(config([try device(), other]))
    let running = Task { await gateway.run() }
    _ = try await wait(gateway) { $0.devices.allSatisfy { $0.status == .connected } }
    running.cancel()
    await running.value
  }

  // MARK: Clocks

  @Test(.timeLimit(.minutes(5))) func `a wall clock that jumps by hours changes no decision`() async throws {
    let jumps = Mutex(0)
    let host = HostClock(
      boot: "a", uptime: HostClock.real.uptime,
      wall: {
        let number = jumps.withLock { jumps in
          jumps += 1
          return jumps
        }
        return Date() + Double(number % 3 - 1) * 5 * 3600
      }, isSynchronised: { true })
    let gateway = gateway(config([try device()]), ["fine"], host: host)
    let running = Task { await gateway.run() }
    var polls = 0
    for await status in gateway.statuses where status.devices[0].readAt != nil {
      polls += 1
      #expect(status.devices[0].status == .connected)
      #expect((status.devices[0].age ?? .seconds(99)) < .seconds(5))
      if polls == 6 { break }
    }
    running.cancel()
    await running.value
  }

  @Test func `the clock that decides counts suspend, as the kernel's does`() throws {
    let first = HostClock.real.read()
    // CLOCK_BOOTTIME by /proc/uptime, which counts suspend.
    let text = try #require(Processes.read("/proc/uptime")?.split(separator: " ").first)
    let uptime = Duration.seconds(try #require(Double(text)))
    #expect(first.stamp.uptime - uptime < .seconds(1) && uptime - first.stamp.uptime < .seconds(1))
    usleep(50_000)
    let second = HostClock.real.read()
    let (instants, uptimes) = (second.instant - first.instant, second.stamp.uptime - first.stamp.uptime)
    #expect(instants - uptimes < .milliseconds(20) && uptimes - instants < .milliseconds(20))
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [(4.0, "offline", true), (8, "disconnected", true), (20, "disconnected", false)], [true, false])
  func `a gateway that starts again has what the last one read, as old as it is`(
    after: (minutes: Double, status: String, available: Bool), reboots: Bool
  ) async throws {
    let start = HostClock.real.uptime()
    func host(_ boot: String, later: Double) -> HostClock {
      HostClock(
        boot: boot, uptime: { boot == "b" ? .seconds(30) : start + .seconds(later) },
        wall: { Date(timeIntervalSince1970: 1_784_000_000 + later) }, isSynchronised: { true })
    }
    let config = config([try device()], interval: .seconds(30))
    let first = gateway(config, ["fine"], host: host("a", later: 0))
    _ = await first.pollOnce()
    let memory = FleetMemory(await first.memory().documents)
    let second = gateway(config, ["hangs"], host: host(reboots ? "b" : "a", later: after.minutes * 60), memory: memory)
    let device = await second.snapshot().devices[0]
    #expect(device.status.rawValue == after.status && device.available == after.available)
    #expect(device.readings.isEmpty != after.available)
    let age = try #require(device.age)
    #expect(age > .seconds(after.minutes * 60 - 2) && age < .seconds(after.minutes * 60 + 5))
  }

  @Test(.timeLimit(.minutes(5))) func `what each module does can be asked at any time`() async throws {
    let first = try #require(Address("D8:B6:73:BF:4F:00"))
    let second = try #require(Address("D8:B6:73:BF:4F:01"))
    var config = try await gateway(["hangs"], devices: 2).config
    config.settings.sessions = 1
    let gateway = Gateway(
      config, worker: WorkerCommand(path: Built.path("zoo"), arguments: ["hangs"], environment: [:]), log: quiet, jitter: { 0 })
    let resting = await gateway.doings()
    for address in [first, second] {
      guard case .resting = resting[address] else { Issue.record("\(resting)"); return }
    }
    let running = Task { await gateway.run() }
    // One has the only session, the other waits for it.
    var doings = resting
    while doings[second] != .waiting(poll: "D8B673BF4F01-1") {
      try await Task.sleep(for: .milliseconds(5))
      doings = await gateway.doings()
    }
    #expect(doings[first] == .polling(poll: "D8B673BF4F00-1", deadline: .seconds(25)))
    running.cancel()
    await running.value
  }
}
