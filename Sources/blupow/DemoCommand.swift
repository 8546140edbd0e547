import UnixSignals
import Logging
import ArgumentParser
import Policy
import Publishers
import Readings
import ServiceLifecycle
import Supervisor

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "The whole product on simulated devices: no Bluetooth, no root, no configuration.",
    discussion: "A private D-Bus, a stand-in for bluetoothd, real workers. Ctrl-C ends it and leaves nothing.")

  @Option(name: .customLong("for"), help: "End after that time, 1s or more (default: at Ctrl-C).")
  var duration: String?

  @Flag(help: "Let the devices misbehave, to watch it cope.")
  var faults = false

  func run() async throws {
    let time = try duration.map { text in
      guard let time = Duration(text: text), time >= .seconds(1) else {
        throw ValidationError("--for '\(text)' is not a duration like 60s.")
      }
      return time
    }
    let scene = DemoScene(faults: faults)
    let simulation: Simulation
    do {
      simulation = try await Simulation.start(program: Sibling.simulator, setup: scene.setup) { line in
        scene.origins.note(line)
      }
    } catch {
      Console.complain("The demo could not be started: \(error)")
      throw Console.exit(.unavailable)
    }
    var worker = Sibling.worker
    worker.environment["DBUS_SYSTEM_BUS_ADDRESS"] = simulation.busAddress
    worker.environment["XDG_RUNTIME_DIR"] = simulation.directory
    let gateway = Gateway(scene.config, worker: worker, log: Console.logger(faults ? .notice : .warning))
    Console.print("BluPow \(Wire.release), demo: simulated devices on a private bus. Nothing here was measured.")
    Console.print(scene.origins.text)
    Console.print(time.map { "It ends after \($0.shortSeconds), or at Ctrl-C.\n" } ?? "Ctrl-C ends it.\n")

    var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
      .init(service: GatewayService(gateway: gateway)),
      .init(service: Beside { await Self.show(gateway) }, successTerminationBehavior: .gracefullyShutdownGroup),
    ]
    if faults { services.append(.init(service: Beside { try await scene.misbehave(simulation) })) }
    if let time {
      services.append(
        .init(service: Beside { try await Task.sleep(for: time) }, successTerminationBehavior: .gracefullyShutdownGroup))
    }
    let group = ServiceGroup(
      configuration: .init(
        services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Console.logger(.error)))
    do {
      try await group.run()
    } catch {
      await simulation.end()
      throw error
    }
    await simulation.end()
    let status = await gateway.snapshot()
    for device in status.devices {
      let rate = device.successRate.map { "\(Int(($0 * 100).rounded())) % of its polls succeeded" } ?? "was not polled"
      Console.print("\(device.name): \(rate).")
    }
  }

  /// Each device's section when it was polled again; ends when nobody reads.
  private static func show(_ gateway: Gateway) async {
    var shown: [String: DeviceStatus] = [:]
    for await status in gateway.statuses {
      for device in status.devices {
        guard device.readAt != nil || device.failure != nil else { continue }  // not polled yet
        let last = shown[device.name]
        guard device.readAt != last?.readAt || device.status != last?.status || device.failure != last?.failure else { continue }
        shown[device.name] = device
        guard Console.print(FleetTable.section(device)) else { return }
      }
    }
  }
}
