import ArgumentParser
import Logging
import Readings

/// What is wrong, and where.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "What is wrong and where: a line a check, and under each fault what to do.",
    discussion: """
      Looks at the configuration, the worker, limits, the clock, the system bus, bluetoothd and its version, the adapter, who is heard, \
      every configured device (one poll each, one after the other), the MQTT broker and the state directory. A check that a fault \
      stands in the way of is skipped. Nothing is changed: nothing is started, switched or written, a link of another program's is left alone. \
      Beside a running service it asks that for what it knows, and neither listens nor polls.

      It takes two minutes at the most, and 40 s more for each module; where all is well some ten seconds.

      Exit code: 0 no fault; 1 a fault; 75 stopped before its end.
      """)

  @Option(help: "The configuration (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
  var config: String?

  @Flag(help: "One JSON document.")
  var json = false

  func run() async throws {
    let (path, isDocument, colours) = (ConfigFile.path(config), json, Console.hasColours)
    let findings = await stoppable {
      var examination = Examination(configPath: path, worker: Sibling.worker, log: Console.logger(.error))
      return await examination.run { finding in
        if !isDocument { Console.print(DoctorReport.text(of: finding, colours: colours)) }
      }
    }
    guard let findings else { throw Console.exit(.tryAgain) }
    let report = DoctorReport(findings: findings)
    if isDocument { try Console.json(report) } else { try Console.result("\n\(report.summary)") }
    // Not one of the exit codes of polls: only whether there is a fault.
    if report.faults > 0 { throw ArgumentParser.ExitCode(1) }
  }
}
