import Glibc
package import Logging
import Policy
package import Readings

/// Launches one worker that asks who answers behind a module, and frees the link that it may leave.
package struct IdentifyRunner: Sendable {
  /// Behind a hub sixteen units are asked, most of which are not there.
  package static let deadline = Duration.seconds(45)

  /// Who answers, by unit; and why that may not be all, where something failed.
  package struct Answer: Equatable, Sendable {
    package var found: [Found]
    package var failure: FailureReport?
  }

  private let worker: WorkerCommand
  private let deadline: Duration
  private let log: Logger

  package init(worker: WorkerCommand, deadline: Duration = Self.deadline, log: Logger) {
    self.worker = worker
    self.deadline = deadline
    self.log = log
  }

  /// A link to the module that somebody else has is left alone: this is but a question. Cancelling stops the worker; it is waited
  /// for, and so is the release of its link.
  package func identify(_ module: Module) async -> Answer {
    let job = PollJob(module: module, devices: [], yields: true)
    let runner = PollRunner(worker: worker, log: log)
    let question = Request(poll: "identify", deadline: deadline, job: .identify(job))
    var (found, failure, needsRelease) = await runner.identify(question)
    if needsRelease {
      let request = Request(poll: "identify", deadline: .seconds(8), job: .release(module))
      // A task of its own: it is what cleans up after a cancellation.
      let released = await Task { await runner.release(request) }.value
      failure = failure ?? released
    }
    found.sort { $0.unit < $1.unit }
    return Answer(found: found, failure: failure)
  }
}
