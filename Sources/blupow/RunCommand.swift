import UnixSignals
import ArgumentParser
import Logging
import Policy
import Publishers
import ServiceLifecycle
import Supervisor

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "The service: polls every device, and logs what changes. SIGTERM, SIGHUP or Ctrl-C ends it.")

  @Option(help: "The configuration (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
  var config: String?

  @Flag(name: .shortAndLong, help: "Log every poll and what the workers say.")
  var verbose = false

  func run() async throws {
    let config = try Console.config(config)
    let log = Console.logger(verbose ? .debug : .notice)
    log.notice(
      "polling \(config.devices.count) device\(config.devices.count == 1 ? "" : "s") behind \(config.modules.count) module\(config.modules.count == 1 ? "" : "s")",
      metadata: ["gateway": "\(config.name)"])
    let gateway = Gateway(config, worker: Sibling.worker, log: log)
    let server = StatusServer(
      status: { await gateway.snapshot() }, pollNow: { await gateway.pollNow(devices: $0) }, log: log)
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: SideBySide(GatewayService(gateway: gateway), server))],
        gracefulShutdownSignals: [.sigterm, .sigint, .sighup],
        logger: Console.logger(.error)))
    try await group.run()
    log.notice("ended")
  }
}
