import ArgumentParser
import Policy
import Publishers
import Readings

struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Whether the running service and its devices are well: a line and an exit code for monitoring.",
    discussion: """
      Exit code: 0 OK; 1 WARNING: a device that is not connected, too few successes, or 3 failures in a row; 2 CRITICAL: a device that is \
      unavailable, 5 failures in a row, or no service; 3 UNKNOWN: no sensible answer in time. Percentages and numbers are options. 64: a wrong argument.
      """)

  @Option(help: "Only that device, by its name (default: all).")
  var device: String?

  @Flag(help: "Exit codes for a container's health check: OK and WARNING 0, the rest 1.")
  var docker = false

  @Option(help: "WARNING where a smaller share of a device's last 100 polls succeeded, in percent.")
  var successRate = 80.0

  @Option(help: "WARNING from that many failures in a row.")
  var warningFailures = 3

  @Option(help: "CRITICAL from that many failures in a row.")
  var criticalFailures = 5

  @Option(help: "OK (\"starting\") while the service is younger than so many of a device's intervals.")
  var starting = 2

  @Option(name: .shortAndLong, help: "How long to wait for the service's answer, 100ms to 60s.")
  var timeout = "2s"

  func validate() throws {
    guard (0...100).contains(successRate) else {
      throw ValidationError("--success-rate \(successRate) is not a percentage from 0 to 100.")
    }
    guard warningFailures >= 1, criticalFailures >= warningFailures else {
      throw ValidationError(
        "--warning-failures \(warningFailures) and --critical-failures \(criticalFailures): from 1 up, and the critical number not below the other."
      )
    }
    guard (0...1_000_000).contains(starting) else {
      throw ValidationError("--starting \(starting) is not a number of intervals from 0 to 1000000.")
    }
    guard limit != nil else { throw ValidationError("--timeout '\(timeout)' is not a duration from 100ms to 60s.") }
  }

  private var limit: Duration? {
    Duration(text: timeout).flatMap { (Duration.milliseconds(100)...(.seconds(60))).contains($0) ? $0 : nil }
  }

  private var thresholds: HealthThresholds {
    HealthThresholds(
      successRate: successRate / 100, warningFailures: warningFailures, criticalFailures: criticalFailures,
      startingIntervals: starting)
  }

  func run() async throws {
    let (state, line) = await answer()
    Console.print(line)
    let code = docker ? (state <= .warning ? 0 : 1) : state.rawValue
    if code != 0 { throw ArgumentParser.ExitCode(code) }
  }

  private func answer() async -> (HealthVerdict.State, line: String) {
    func without(_ state: HealthVerdict.State, _ sentence: String) -> (HealthVerdict.State, line: String) {
      (state, HealthLine.text(state, sentence))
    }
    let places: [SocketPath]
    do throws(SocketTrouble) { places = try SocketPath.toAsk() } catch { return without(.unknown, "\(error)") }
    let fleet: FleetStatus
    do throws(StatusCommand.Trouble) {
      fleet = try await StatusCommand.ask(StatusClient(places), device.map { [$0] } ?? [], within: limit ?? .seconds(2))
    } catch {
      switch error {
      case .unknown(let name, let known):
        return without(.unknown, "No device is called '\(name)'; there are: \(known.joined(separator: ", ")).")
      case .service(.notRunning(let paths)): return without(.critical, ServiceTrouble.notRunning(paths).description)
      case .service(let trouble): return without(.unknown, trouble.description)
      }
    }
    let verdict = HealthVerdict(fleet, thresholds)
    return (verdict.state, HealthLine.text(fleet, verdict, thresholds))
  }
}
