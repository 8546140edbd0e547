import ArgumentParser
import Foundation
import Logging
import Policy
import Publishers
import ServiceLifecycle
import Store
import Supervisor
import UnixSignals

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: """
      The service: polls every device, and logs what changes. SIGTERM or Ctrl-C ends it, SIGHUP reads the configuration again.
      """)

  @Option(help: "The configuration (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
  var config: String?

  @Flag(name: .shortAndLong, help: "Log every poll and what the workers say.")
  var verbose = false

  func run() async throws {
    // From here on a SIGHUP is a wish, however early it comes.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    let whole = try Console.config(config)
    let config = whole.gateway
    let log = Console.logger(verbose || config.diagnostics ? .debug : .notice)
    log.notice("polling \(config.counted)", metadata: ["gateway": "\(config.name)"])
    let environment = ProcessInfo.processInfo.environment
    let locks = LockFiles(environment: environment)
    locks.make(for: config)
    let kept = await KeptMemory.load(config, log: log)
    // Where nothing says where to keep it, there is none: the store's problem says so.
    let history = kept.directory.map { HistoryKeeper(directory: $0, keep: whole.keep, log: log) }
    let gateway = Gateway(
      config, memory: kept.memory, worker: Sibling.worker, transcripts: config.diagnostics ? kept.transcripts : nil, log: log,
      whenPolled: { history?.note(HistoryEntry($0)) })
    let publisher = MQTTPublisher(
      whole.mqtt, PublishedFleet(config), memory: kept.documents, log: log, raise: { await gateway.raise($0) },
      settle: { await gateway.settle($0) })
    let directory = kept.directory
    @Sendable func placed(_ fleet: FleetStatus) async -> FleetStatus {
      var fleet = fleet
      fleet.places = ServicePlaces(broker: await publisher.place, stateDirectory: directory)
      return fleet
    }
    var server = StatusServer(
      status: { await placed(gateway.snapshot()) }, events: { await gateway.events.all },
      pollNow: { await placed(gateway.pollNow(devices: $0)) }, log: log)
    let (serving, settled) = AsyncStream.makeStream(of: Void.self)
    server.whenSettled = { settled.finish() }
    let web = WebServer(
      whole.http, WebSource(gateway, historyIn: kept.directory), log: log, raise: { await gateway.raise($0) },
      settle: { await gateway.settle($0) })
    let systemd = SystemdService(environment: environment, gateway: gateway, serving: serving, log: log)
    let reload = ReloadService(
      path: ConfigFile.path(self.config), locks: locks, gateway: gateway, publisher: publisher, history: history, web: web,
      systemd: systemd.publisher, hangups: hangups, log: log)
    let services = SideBySide(
      GatewayService(gateway: gateway), MQTTService(publisher: publisher, gateway: gateway),
      MemoryService(kept: kept, gateway: gateway, publisher: publisher, log: log),
      HistoryService(keeper: history, gateway: gateway), server, web, reload, systemd)
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: services)], gracefulShutdownSignals: [.sigterm, .sigint], logger: Console.logger(.error)))
    try await group.run()
    log.notice("ended")
  }
}

extension GatewayConfig {
  /// "3 devices behind 2 modules"
  var counted: String {
    let modules = modules.count
    return "\(devices.count) device\(devices.count == 1 ? "" : "s") behind \(modules) module\(modules == 1 ? "" : "s")"
  }
}
