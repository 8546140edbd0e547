import Logging
import Policy
import Readings
import Rig
import Testing

@testable import Supervisor

@Suite struct GatewayTests {
  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func gateway(
    _ arguments: [String], path: String = Built.path("zoo"), devices: Int = 1, interval: Duration = .seconds(1),
    timeout: TimeoutScale = .automatic, log: Logger? = nil
  ) throws -> Gateway {
    let config = GatewayConfig(
      name: "cabin", interval: interval, timeout: timeout,
      devices: try (0..<devices).map {
        DeviceConfig(
          name: "Device \($0)", address: try #require(Address("D8:B6:73:BF:4F:0\($0)")), profile: "inverter", unit: 32)
      })
    return Gateway(
      config, worker: WorkerCommand(path: path, arguments: arguments, environment: [:]), log: log ?? quiet, jitter: { 0 })
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

  @Test func `cancelling ends a worker that hangs and leaves nothing behind, within 4.5 s`() async throws {
    let gateway = try gateway(["ignores_sigterm", "of_the_gateway"], devices: 3)
    let running = Task { await gateway.run() }
    // The first of them has begun; the others' starts are spread out.
    while Processes.children(named: "zoo", argument: "of_the_gateway").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let mine = Processes.children(named: "zoo", argument: "of_the_gateway")
    let began = ContinuousClock.now
    running.cancel()
    await running.value
    #expect(ContinuousClock.now - began < .milliseconds(4500))
    for pid in mine { #expect(Processes.state(of: pid) == nil) }
  }

  @Test func `cancelling ends even a release that hangs, within 4.5 s`() async throws {
    // A worker that ignores SIGTERM whatever its job is: two seconds for it, then its release.
    let gateway = try gateway(["-c", "trap '' TERM; exec sleep 61.25"], path: "/bin/sh")
    let running = Task { await gateway.run() }
    while Processes.children(named: "sleep", argument: "61.25").isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let began = ContinuousClock.now
    running.cancel()
    await running.value
    #expect(ContinuousClock.now - began < .milliseconds(4500))
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
}
