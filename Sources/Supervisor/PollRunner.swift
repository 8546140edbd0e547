import Glibc
package import Logging
package import Policy
package import Readings

/// Launches one worker for one request and hears it out. Cancelling stops the worker, and the answer still comes when it has
/// ended.
package struct PollRunner: Sendable {
  private let worker: WorkerCommand
  private let spawner: Spawner
  private let grace: Duration
  private let log: Logger

  package init(worker: WorkerCommand, spawner: Spawner = .shared, grace: Duration = .seconds(2), log: Logger) {
    self.worker = worker
    self.spawner = spawner
    self.grace = grace
    self.log = log
  }

  /// One poll of a module, without the release that it may need.
  ///
  /// - Parameter whenRead: gets each device's readings as they come: closing the link takes another two seconds.
  package func poll(
    _ request: Request, whenRead: @escaping @Sendable (DeviceReadings) async -> Void = { _ in }
  ) async -> PollOutcome {
    guard case .poll(let job) = request.job else { preconditionFailure("a poll was asked for another job") }
    let devices = job.devices.map(\.name)
    do {
      return try await hear(request, devices: devices, whenRead: whenRead)
    } catch {
      let missing = PollOutcome.Answer.failed(FailureReport(.workerMissing, at: .start, error.description))
      return PollOutcome(poll: request.poll, answers: Dictionary(uniqueKeysWithValues: devices.map { ($0, missing) }))
    }
  }

  /// Frees the link that a worker may have left. `nil`: it is free.
  package func release(_ request: Request) async -> FailureReport? {
    do {
      // To the transcript it is a poll of no device with a link to account for.
      let outcome = try await hear(request, devices: [Self.link], whenRead: { _ in })
      if let link = outcome.done?.link, link != .left { return nil }
      let failure = outcome.answers[Self.link]?.failure
      return failure?.failure.leavesNoLink == true ? nil : failure
    } catch {
      return FailureReport(.workerMissing, at: .start, error.description)
    }
  }

  private static let link = "(link)"

  private func hear(
    _ request: Request, devices: [String], whenRead: @escaping @Sendable (DeviceReadings) async -> Void
  ) async throws(SpawnFailure) -> PollOutcome {
    var request = request
    request.parent = getpid()
    // A request of ours always encodes; an empty line would be refused by the worker as one.
    let line = (try? Wire.line(request)) ?? [UInt8(ascii: "\n")]
    let command = Command(path: worker.path, arguments: worker.arguments, environment: worker.environment, input: line)
    let child = try await spawner.start(command, limits: .worker, deadline: request.deadline, grace: grace)
    let (poll, deadline, log) = (request.poll, request.deadline, log)
    // A task of its own: cancelling the iteration would end it before the worker has ended.
    let listening = Task {
      var transcript = PollTranscript(poll: poll, devices: devices)
      for await event in child.output {
        transcript.hear(event, deadline: deadline)
        if let readings = transcript.takeReadings() { await whenRead(readings) }
        switch event {
        case .errorLine(let line): log.debug("worker: \(line)", metadata: ["poll": "\(poll)"])
        case .ended(let ending):
          ending.logStrays(to: log, poll: poll)
          return (transcript, ending)
        default: break
        }
      }
      return (transcript, Ending(cause: .abandoned, lasted: .zero))
    }
    let (transcript, ending) = await withTaskCancellationHandler {
      await listening.value
    } onCancel: {
      child.stop()
    }
    return transcript.concluded(ending, stopAsked: Task.isCancelled)
  }
}

extension Ending {
  /// A worker has no business with processes of its own: one that left some is a bug, and said once.
  func logStrays(to log: Logger, poll: String) {
    guard strays > 0 else { return }
    log.warning("the worker left other processes; killed: \(strays)", metadata: ["poll": "\(poll)"])
  }
}
