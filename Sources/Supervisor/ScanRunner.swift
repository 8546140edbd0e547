import Glibc
package import Logging
package import Readings

/// Launches one worker that scans, and collects whom it heard.
package struct ScanRunner: Sendable {
  private let worker: WorkerCommand
  private let log: Logger

  package init(worker: WorkerCommand, log: Logger) {
    self.worker = worker
    self.log = log
  }

  /// Devices heard within `duration`, strongest first. Cancelling stops the worker.
  package func scan(for duration: Duration, adapter: String?) async throws(FailureReport) -> [SeenDevice] {
    // Besides the scan: the bus before it, and ending the discovery after it.
    let deadline = duration + .seconds(6)
    let request = Request(
      poll: "scan", parent: getpid(), deadline: deadline, job: .scan(duration: duration, adapter: adapter))
    let command = Command(
      path: worker.path, arguments: worker.arguments, environment: worker.environment,
      input: (try? Wire.line(request)) ?? [])
    let child: Child
    do {
      child = try await Spawner.shared.start(command, limits: .worker, deadline: deadline)
    } catch {
      throw FailureReport(.workerMissing, at: .start, error.description)
    }
    var seen: [SeenDevice] = []
    var isDone = false
    var failure: FailureReport?
    for await event in child.output {
      switch event {
      case .line(let line):
        do {
          let line = try Wire.decode(EventLine.self, from: line)
          guard line.poll == request.poll || line.poll == "-" else { continue }
          switch line.event {
          case .seen(let device): seen.append(device)
          case .failed(_, let report): failure = failure ?? report
          case .done: isDone = true
          case .stopped(let stage): failure = failure ?? FailureReport(.stopped, at: stage, "The scan was stopped.")
          case .stage, .link, .readings, .probed, .found: break
          }
        } catch is EventLine.UnknownEvent {
          continue
        } catch let other as EventLine.OtherVersion {
          failure = failure ?? FailureReport(.versionUnknown, at: .scan, "The worker speaks protocol version \(other.version).")
        } catch {
          failure =
            failure ?? FailureReport(.workerBabbled, at: .scan, "A line of the worker's cannot be read: \(Wire.explain(error)).")
        }
      case .overflow: failure = failure ?? FailureReport(.workerBabbled, at: .scan, "The worker said more than it may.")
      case .deadline:
        failure = failure ?? FailureReport(.workerTimedOut, at: .scan, "The scan did not end in \(deadline.shortSeconds).")
      case .errorLine(let line): log.debug("worker: \(line)", metadata: ["poll": "\(request.poll)"])
      case .ended(let ending): ending.logStrays(to: log, poll: request.poll)
      case .killed: break
      }
    }
    if let failure { throw failure }
    guard isDone else { throw FailureReport(.workerCrashed, at: .scan, "The worker ended without a word of the scan's end.") }
    return seen.sorted { ($0.rssi ?? -999, $1.address.text) > ($1.rssi ?? -999, $0.address.text) }
  }
}
