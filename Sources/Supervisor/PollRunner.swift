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

  /// Who answers behind a module, and why the question failed where it did, without the release that it may need.
  func identify(_ request: Request) async -> (found: [Found], failure: FailureReport?, needsRelease: Bool) {
    do {
      let (transcript, ending) = try await heard(request, devices: [])
      let isStopped = Task.isCancelled
      let needsRelease = transcript.concluded(ending, stopAsked: isStopped).needsRelease
      return (transcript.found, transcript.failure(ending, stopAsked: isStopped), needsRelease)
    } catch {
      return ([], FailureReport(.workerMissing, at: .start, error.description), false)
    }
  }

  /// Frees the link that a worker may have left. `nil`: it is free.
  package func release(_ request: Request) async -> FailureReport? {
    do {
      // To the transcript it is a poll of no device with a link to account for.
      let outcome = try await hear(request, devices: [Self.link])
      if let link = outcome.done?.link, link != .left { return nil }
      let failure = outcome.answers[Self.link]?.failure
      return failure?.failure.leavesNoLink == true ? nil : failure
    } catch {
      return FailureReport(.workerMissing, at: .start, error.description)
    }
  }

  /// Power-cycles an adapter: nothing else may be under way on it. `nil`: it was off, and is on again.
  package func reset(_ request: Request) async -> FailureReport? {
    do {
      let outcome = try await hear(request, devices: [Self.link])
      return outcome.done == nil ? outcome.answers[Self.link]?.failure : nil
    } catch {
      return FailureReport(.workerMissing, at: .start, error.description)
    }
  }

  /// Asks bus, bluetoothd and adapters how they are, and changes nothing. The adapters where bluetoothd answered, whatever they are;
  /// else why it did not.
  package func probe(_ request: Request) async -> Result<Probe, FailureReport> {
    do {
      let (transcript, ending) = try await heard(request, devices: [Self.link])
      if let probe = transcript.probe { return .success(probe) }
      let report = transcript.concluded(ending, stopAsked: Task.isCancelled).answers[Self.link]?.failure
      return .failure(report ?? FailureReport(.workerBabbled, at: .start, "The worker said nothing of what it was asked for."))
    } catch {
      return .failure(FailureReport(.workerMissing, at: .start, error.description))
    }
  }

  private static let link = "(link)"

  private func hear(
    _ request: Request, devices: [String], whenRead: @escaping @Sendable (DeviceReadings) async -> Void = { _ in }
  ) async throws(SpawnFailure) -> PollOutcome {
    let (transcript, ending) = try await heard(request, devices: devices, whenRead: whenRead)
    return transcript.concluded(ending, stopAsked: Task.isCancelled)
  }

  private func heard(
    _ request: Request, devices: [String], whenRead: @escaping @Sendable (DeviceReadings) async -> Void = { _ in }
  ) async throws(SpawnFailure) -> (PollTranscript, Ending) {
    var request = request
    request.parent = getpid()
    // A request of ours always encodes; an empty line would be refused by the worker as one.
    let line = (try? Wire.line(request)) ?? [UInt8(ascii: "\n")]
    let command = Command(path: worker.path, arguments: worker.arguments, environment: worker.environment, input: line)
    let child = try await spawner.start(command, limits: .worker, deadline: request.deadline, grace: grace)
    let (poll, deadline, log) = (request.poll, request.deadline, log)
    let question: PollTranscript.Question
    let yields: Bool
    switch request.job {
    case .poll(let job): (question, yields) = (.devices, job.yields)
    case .identify(let job): (question, yields) = (.everybody, job.yields)
    case .probe: (question, yields) = (.host, false)
    case .scan, .release, .resetAdapter: (question, yields) = (.devices, false)
    }
    // A task of its own: cancelling the iteration would end it before the worker has ended.
    let listening = Task {
      var transcript = PollTranscript(poll: poll, devices: devices, question: question, yields: yields)
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
    return await withTaskCancellationHandler {
      await listening.value
    } onCancel: {
      child.stop()
    }
  }
}

extension Ending {
  /// A worker has no business with processes of its own: one that left some is a bug. Of a module's polls that is a problem which
  /// lasts, and is told as one.
  func logStrays(to log: Logger, poll: String) {
    guard strays > 0 else { return }
    log.debug("the worker left other processes; killed: \(strays)", metadata: ["poll": "\(poll)"])
  }
}
