import Logging
import ArgumentParser
import Policy
import Publishers
import Readings
import Supervisor
import Synchronization
import UnixSignals

struct PollCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "poll", abstract: "One supervised poll of each device.",
    discussion: "Exit code: 0, or the first failing device's: 69 bus or adapter, 70 a bug, 75 try again, 76 protocol, 77 refused."
  )

  @Argument(help: "Devices by their names in the configuration (default: all).")
  var names: [String] = []

  @Flag(help: "One JSON document.")
  var json = false

  @Option(help: "The configuration (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
  var config: String?

  @Option(help: "auto, kernel or bluez, for every device (default: the configuration's).")
  var link: LinkChoice?

  @Flag(name: .shortAndLong, help: "Log what the workers say.")
  var verbose = false

  func run() async throws {
    let config = try Console.gatewayConfig(config, link: link)
    try config.check(names)
    let gateway = Gateway(config, worker: Sibling.worker, log: Console.logger(verbose ? .debug : .error))
    let wanted = names
    // People need not wait for the links to close; a document for programs has the whole poll in it.
    let table = Table()
    let isDocument = json
    let known = config.devices.filter { wanted.isEmpty || wanted.contains($0.name) }
    let (asksService, isVerbose) = (link == nil, verbose)
    let status = await stoppable {
      if asksService, let answer = await Self.byService(known, isVerbose: isVerbose) { return answer }
      return await gateway.pollOnce(devices: wanted.isEmpty ? nil : wanted) { if !isDocument { table.show($0) } }
    }
    guard let status else { throw Console.exit(.tryAgain) }
    if json { try Console.json(status) } else { try table.shown(status) }
    for problem in status.problems { Console.complain("\(problem.subject): \(problem.message) \(problem.advice)") }
    if let failure = status.devices.lazy.compactMap(\.failure).first { throw Console.exit(failure.failure.exitCode) }
  }

  /// `nil`: there is no service to ask, or it would not; then this command polls by itself, and the modules' locks keep the two apart.
  private static func byService(_ devices: [DeviceConfig], isVerbose: Bool) async -> FleetStatus? {
    guard let service = await RunningService(knowing: devices) else { return nil }
    do throws(ServiceTrouble) {
      let status = try await service.poll()
      if isVerbose { Console.complain("asked the running service") }
      return status
    } catch {
      if !Task.isCancelled { Console.complain("\(error) So this command polls by itself.") }
      return nil
    }
  }
}

/// A table that is shown as soon as it can be, and again only where the end says otherwise.
private final class Table: Sendable {
  private let result = Mutex<Result<Void, any Error>?>(nil)

  func show(_ status: FleetStatus) {
    result.withLock { $0 = Result { try Console.result(FleetTable(status).text) } }
  }

  /// Shows it where it was not yet, or where a device that had been read failed after all. Throws where it could not be written.
  func shown(_ status: FleetStatus) throws {
    if result.withLock({ $0 == nil }) || status.devices.contains(where: { $0.failure != nil }) { show(status) }
    try result.withLock { $0 }?.get()
  }
}

extension LinkChoice: ExpressibleByArgument {}

extension GatewayConfig {
  /// Throws where one of these devices is not configured.
  func check(_ names: [String]) throws {
    guard let unknown = names.first(where: { name in !devices.contains { $0.name == name } }) else { return }
    throw ValidationError("No device is called '\(unknown)'; there are: \(devices.map(\.name).joined(separator: ", ")).")
  }
}

/// Runs `body`; at SIGINT, SIGTERM or SIGHUP cancels it, waits for its end, and gives `nil`.
func stoppable<T: Sendable>(_ body: @escaping @Sendable () async -> T) async -> T? {
  let (result, isStopped) = await hastened(body)
  return isStopped ? nil : result
}

/// Runs `body` to its end; at SIGINT, SIGTERM or SIGHUP cancels it, and what it then comes to is the result.
func hastened<T: Sendable>(_ body: @escaping @Sendable () async -> T) async -> (result: T, isStopped: Bool) {
  let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
  let work = Task { await body() }
  let ear = Task {
    for await _ in signals {
      work.cancel()
      return true
    }
    return false
  }
  let result = await work.value
  ear.cancel()
  return (result, await ear.value)
}
