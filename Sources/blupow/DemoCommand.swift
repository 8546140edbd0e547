import ArgumentParser
import Logging
import MQTT
import Policy
import Publishers
import Readings
import ServiceLifecycle
import Store
import Supervisor
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "The whole product on simulated devices: no Bluetooth, no root, no configuration.",
    discussion: "A private D-Bus, a stand-in for bluetoothd, real workers. Ctrl-C ends it and leaves nothing.")

  @Option(name: .customLong("for"), help: "End after that time, 1s or more (default: at Ctrl-C).")
  var duration: String?

  @Flag(help: "Let the devices misbehave, to watch it cope.")
  var faults = false

  @Option(help: "auto, kernel or bluez: what carries the polls (default: auto, which is the kernel's link, as on a real host).")
  var link = LinkChoice.auto

  @Option(
    name: .customLong("mqtt"),
    help:
      "HOST:PORT of an MQTT broker without login: the devices appear in Home Assistant, marked as simulated, until the demo ends."
  )
  var broker: BrokerPlace?

  func run() async throws {
    let time = try duration.map { text in
      guard let time = Duration(text: text), time >= .seconds(1) else {
        throw ValidationError("--for '\(text)' is not a duration like 60s.")
      }
      return time
    }
    // Everything happens within the group, which traps the signals before anything is started that would be left behind.
    let demo = DemoService(scene: DemoScene(faults: faults, link: link), time: time, faults: faults, broker: broker)
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: demo, successTerminationBehavior: .gracefullyShutdownGroup)],
        gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: Console.logger(.critical)))
    do {
      try await group.run()
    } catch let trouble as Simulation.Trouble {
      Console.complain("The demo could not be started: \(trouble)")
      throw Console.exit(.unavailable)
    }
  }
}

/// The simulation with a gateway on it, until its time is over, nobody reads, or the group is told to end.
struct DemoService: Service {
  let scene: DemoScene
  let time: Duration?
  let faults: Bool
  let broker: BrokerPlace?

  func run() async throws {
    try await cancelWhenGracefulShutdown {
      // In tasks of their own: cancelled in the middle, they would leave what they are about to end.
      let simulation = try await Task {
        try await Simulation.start(program: Sibling.simulator, setup: scene.setup) { scene.origins.note($0) }
      }.value
      if !Task.isCancelled { await show(simulation) }
      await Task { await simulation.end() }.value
    }
  }

  private func show(_ simulation: Simulation) async {
    var worker = Sibling.worker
    worker.environment["DBUS_SYSTEM_BUS_ADDRESS"] = simulation.busAddress
    worker.environment["XDG_RUNTIME_DIR"] = simulation.directory
    worker.environment["BLUPOW_ATT_SOCKETS"] = simulation.attSockets
    let log = Console.logger(faults ? .notice : .warning)
    // Written far oftener than on a disk that shall last: here one wants to see curves grow. It goes with the directory.
    let host = HostClock.real
    let history = HistoryKeeper(
      directory: simulation.directory, keep: .seconds(86_400), period: .seconds(5), clock: { HistoryClock(host) }, log: log)
    let gateway = Gateway(scene.config, worker: worker, log: log, whenPolled: { history.note(HistoryEntry($0)) })
    let publisher = MQTTPublisher(
      broker?.settings, PublishedFleet(scene.config), clearsAtEnd: true, log: log, raise: { await gateway.raise($0) },
      settle: { await gateway.settle($0) })
    let web = WebServer(
      HTTPSettings(address: "127.0.0.1", port: 0), WebSource(gateway, historyIn: simulation.directory), log: log,
      raise: { await gateway.raise($0) }, settle: { await gateway.settle($0) },
      whenServing: { Console.print("See it at \($0.url) (for programs: api/status, metrics; protocol/http.md).\n") })
    Console.print("BluPow \(Wire.release), demo: simulated devices on a private bus. Nothing here was measured.")
    Console.print(scene.origins.text)
    Console.print(scene.links)
    if let broker {
      Console.print("Published at \(broker.settings.broker.place) as gateway \(scene.config.name), until the demo ends.")
    }
    Console.print(time.map { "It ends after \($0.shortSeconds), or at Ctrl-C.\n" } ?? "Ctrl-C ends it.\n")
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await gateway.run() }
      group.addTask { await Self.print(gateway) }
      group.addTask { await publisher.run(gateway.statuses) }
      group.addTask { try? await web.run() }
      group.addTask { await HistoryService(keeper: history, gateway: gateway).run() }
      if let time { group.addTask { try? await Task.sleep(for: time) } }
      if faults { group.addTask { try? await scene.misbehave(simulation) } }
      // The first to end ends the demo; the gateway then stops its workers.
      await group.next()
      group.cancelAll()
    }
    for device in await gateway.snapshot().devices {
      let rate = device.successRate.map { "\(Int(($0 * 100).rounded())) % of its polls succeeded" } ?? "was not polled"
      let carrier =
        device.link.map { $0 == .kernel ? ", the last by the kernel's link" : ", the last by bluetoothd's link" } ?? ""
      // A reader that does not read is not waited for once a device.
      guard Console.print("\(device.name): \(rate)\(carrier).") == .written else { return }
    }
  }

  /// Each device's section when it was polled again; ends when there is no reader.
  private static func print(_ gateway: Gateway) async {
    var shown: [String: DeviceStatus] = [:]
    for await status in gateway.statuses {
      for device in status.devices {
        guard device.readAt != nil || device.failure != nil else { continue }  // not polled yet
        let last = shown[device.name]
        guard device.readAt != last?.readAt || device.status != last?.status || device.failure != last?.failure else { continue }
        shown[device.name] = device
        guard Console.print(FleetTable.section(device)) != .gone else { return }
      }
    }
  }
}
