import ArgumentParser
import Glibc
import Logging
import Policy
import Publishers
import Readings
import Supervisor

struct StabilityCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stability",
    abstract: "Polls a device again and again: how often it succeeds, how long it takes, what is left behind.",
    discussion: """
      A device passes with at least 80 % successes, less than 15 s to connect on average and no rising trend in that, and nothing left behind: \
      no process, descriptor or link. Beside a running service the service does the polls. Ctrl-C ends it with the report so far. Exit code: 0 passed; 1 not.
      """)

  @Argument(help: "A device by its name in the configuration (default: every device in turn).")
  var name: String?

  @Option(help: "Polls of each device, 1 to 1000.")
  var runs = 10

  @Option(help: "From the end of a poll to the next, 0s to 1h.")
  var pause = "2s"

  @Flag(help: "One JSON document at the end.")
  var json = false

  @Option(help: "The configuration (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
  var config: String?

  @Option(help: "auto, kernel or bluez (default: the configuration's). With it no service is asked.")
  var link: LinkChoice?

  func validate() throws {
    guard (1...1000).contains(runs) else { throw ValidationError("--runs \(runs) is not a number from 1 to 1000.") }
    guard pauseTime != nil else { throw ValidationError("--pause '\(pause)' is not a duration from 0s to 1h.") }
  }

  private var pauseTime: Duration? { Duration(text: pause).flatMap { $0 <= .seconds(3600) ? $0 : nil } }

  func run() async throws {
    let config = try Console.gatewayConfig(config, link: link)
    try config.check(name.map { [$0] } ?? [])
    let (devices, progress) = (config.devices.filter { name == nil || $0.name == name }, StabilityProgress(runs, isShown: !json))
    let (asksService, pause) = (link == nil, pauseTime ?? .seconds(2))
    let (reports, isStopped) = await hastened {
      await Self.test(devices, of: config, runs: runs, pause: pause, asksService: asksService, progress: progress)
    }
    let isComplete = !isStopped && reports.count == devices.count && reports.allSatisfy(\.isComplete)
    let document = StabilityDocument(
      gateway: config.name, runs: runs, pause: pause, devices: reports, isComplete: isComplete)
    if json {
      try Console.json(document)
    } else {
      try Console.result(StabilityText.text(of: document))
    }
    if !document.isPassed { throw ArgumentParser.ExitCode(1) }
  }

  /// Each of the devices, until cancelled or the service would not go on.
  private static func test(
    _ devices: [DeviceConfig], of config: GatewayConfig, runs: Int, pause: Duration, asksService: Bool,
    progress: StabilityProgress
  ) async -> [StabilityReport] {
    var reports: [StabilityReport] = []
    for device in devices where !Task.isCancelled {
      func run(_ polls: StabilityTest.Polls) async -> (report: StabilityReport, trouble: ServiceTrouble?) {
        await StabilityTest(device: device, runs: runs, pause: pause, polls: polls, log: Console.logger(.error)).run {
          progress.tell($0, of: device)
        }
      }
      func byCommand() async -> (report: StabilityReport, trouble: ServiceTrouble?) {
        var alone = config
        alone.devices = [device]
        return await run(.command(Gateway(alone, worker: Sibling.worker, log: Console.logger(.error))))
      }
      var outcome: (report: StabilityReport, trouble: ServiceTrouble?)
      if asksService, let service = await RunningService(knowing: [device]) {
        outcome = await run(.service(service))
        if case .refused(let sentence) = outcome.trouble, outcome.report.runs.isEmpty {
          Console.complain("\(ServiceTrouble.refused(sentence)) So this command polls by itself.")
          outcome = await byCommand()
        }
      } else {
        outcome = await byCommand()
      }
      reports.append(outcome.report)
      if let trouble = outcome.trouble {
        Console.complain("\(trouble) The test ends here.")
        break
      }
    }
    return reports
  }
}
