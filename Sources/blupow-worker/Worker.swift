import CLinux
import Glibc
import Readings

/// One job, one process: straight-line code with one deadline, no threads.
@main
struct Worker {
  static func main() {
    let start = ContinuousClock.now
    let isSupervised = CommandLine.arguments.count == 1
    // First of all, so that nothing of ours outlives its supervisor: SIGTERM when it dies (then the link is freed), and the
    // handler's one-second alarm behind that.
    let stop = blupow_catch_stop()
    if isSupervised { _ = blupow_die_with_parent(SIGTERM) }
    exit(run(start: start, stop: stop, isSupervised: isSupervised).rawValue)
  }

  private static func run(start: ContinuousClock.Instant, stop: Int32, isSupervised: Bool) -> ExitCode {
    let reporter = Reporter(start: start, stop: stop, isVerbose: !isSupervised)
    do {
      let request: Request
      var transcript: TranscriptFile?
      if isSupervised {
        guard isatty(STDIN_FILENO) == 0 else {
          reporter.log("blupow-worker waits for a request line of its supervisor. By hand: blupow-worker --help.")
          return .usage
        }
        request = try RequestInput(stop: stop).read { reporter.poll = $0 }
        transcript = request.transcript.flatMap { path in
          do throws(FailureReport) {
            return try TranscriptFile(at: path, reporter: reporter)
          } catch {
            // A service's poll is for its readings.
            reporter.log(error.message)
            return nil
          }
        }
      } else {
        switch try Arguments.parse(Array(CommandLine.arguments.dropFirst())) {
        case .request(let parsed):
          request = parsed
          transcript = try parsed.transcript.map { path throws(FailureReport) in try TranscriptFile(at: path, reporter: reporter)
          }
        case .print(let text):
          reporter.print(text)
          return .ok
        }
      }
      reporter.poll = request.poll
      if let parent = request.parent, parent != getppid() { return .tryAgain }  // orphaned before it could be told
      let budget = Budget(start: start, deadline: request.deadline)
      // The last bound, for code that hangs where no deadline is looked at.
      blupow_backstop(max(1, (budget.end - .now + .milliseconds(500)).milliseconds))
      let radio = Radio(
        busAddress: Surroundings.bus, stop: stop, reporter: reporter, budget: budget, transcript: transcript)
      return try job(request, radio)
    } catch let report as FailureReport {
      try? reporter.emit(.failed(device: nil, report))
      return report.failure.exitCode
    } catch is Stopped {
      try? reporter.emit(.stopped(reporter.stage))
      return Failure.stopped.exitCode
    } catch {
      reporter.log("\(error)")
      return .software
    }
  }

  private static func job(_ request: Request, _ radio: Radio) throws -> ExitCode {
    switch request.job {
    case .poll(let poll), .identify(let poll): return try PollSession(poll, radio: radio).run()
    case .scan(let duration, let adapter): return try radio.scan(for: duration, on: adapter)
    case .release(let module): return try radio.release(module)
    case .probe: return try radio.probe()
    case .resetAdapter(let adapter): return try AdapterReset(name: adapter, radio: radio).run()
    }
  }
}
