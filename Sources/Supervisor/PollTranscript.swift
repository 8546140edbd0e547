import Glibc
package import Policy
package import Readings

/// Hears one worker out and judges: its lines and its end go in, one answer a device comes out. Pure.
///
/// A device that was answered stays answered, whatever follows. A line that breaks the protocol ends all belief: what comes after
/// it is not read. Two answers for one device contradict each other, and neither is believed.
package struct PollTranscript: Sendable {
  /// What the worker was asked for, as far as its answer has lines of its own.
  package enum Question: Equatable, Sendable {
    case devices
    /// What bus, bluetoothd and adapters look like.
    case host
    /// Who answers behind a module.
    case everybody
  }

  private let poll: String
  private let devices: [String]
  private let question: Question
  /// What the radio side looks like, where that was asked.
  package private(set) var probe: Probe?
  /// Who answers, where that was asked: each unit once.
  package private(set) var found: [Found] = []
  /// Whether links of others are left alone: then none is ended that this worker cannot have made.
  private let yields: Bool
  private var answers: [String: PollOutcome.Answer] = [:]
  /// When each device's readings were complete, by the worker's own clock since its start.
  private var readAt: [String: Duration] = [:]
  /// What the worker says of the whole poll.
  private var verdict: FailureReport?
  /// How it broke the protocol.
  private var fault: FailureReport?
  private var trouble: FailureReport?
  private var done: Done?
  private var stopped = false
  private var deadline: Duration?
  private var killed = false
  private var strangers = 0
  private var linkedBy: LinkKind?
  /// The furthest, for people.
  package private(set) var stage = Stage.start
  /// A connect was begun, and nothing shows that it was made.
  private var isConnecting = false
  /// A connect was begun at all.
  private var hasConnected = false
  private var fresh: DeviceReadings?

  package init(poll: String, devices: [String], question: Question = .devices, yields: Bool = false) {
    self.poll = poll
    self.devices = devices
    self.question = question
    self.yields = yields
  }

  /// The readings that the last event brought. The poll is not over: they may still be contradicted.
  package mutating func takeReadings() -> DeviceReadings? {
    defer { fresh = nil }
    return fresh
  }

  package mutating func hear(_ event: ChildEvent, deadline: Duration) {
    switch event {
    case .line(let line): hear(line)
    case .overflow(.line(let limit)): babbled("wrote a line of more than \(limit) bytes")
    case .overflow(.total(let limit)): babbled("wrote more than \(limit) bytes")
    case .deadline: self.deadline = deadline
    case .killed: killed = true
    case .errorLine, .ended: break
    }
  }

  private mutating func hear(_ line: [UInt8]) {
    guard fault == nil else { return }
    do {
      let line = try Wire.decode(EventLine.self, from: line)
      // A worker that could not read its request does not know its id.
      var isRefusal: Bool { if case .failed(nil, _) = line.event { line.poll == "-" } else { false } }
      guard line.poll == poll || isRefusal else {
        strangers += 1
        return
      }
      hear(line.event, at: line.time)
    } catch is EventLine.UnknownEvent {
      // A newer worker of the same protocol version may say more.
    } catch let error as EventLine.OtherVersion {
      fault = FailureReport(
        .versionUnknown, at: stage, "The worker speaks protocol version \(error.version); this is version \(Wire.version).")
    } catch {
      babbled("wrote a line that cannot be read: \(Wire.explain(error))")
    }
  }

  private mutating func hear(_ event: Event, at time: Duration) {
    guard done == nil else { return babbled("went on after its last line") }
    switch event {
    case .stage(let entered, _):
      if entered == .connect { isConnecting = true } else if entered > .connect { isConnecting = false }
      if entered == .connect { hasConnected = true }
      stage = max(stage, entered)
    case .link(let kind): linkedBy = kind
    case .readings(let readings):
      guard devices.contains(readings.device) else { return babbled("answered for a device that was not asked for") }
      if case .readings = answers[readings.device] {
        babbled("answered twice for \(readings.device)")
        answers[readings.device] = fault.map { .failed($0) }
      } else {
        answers[readings.device] = .readings(readings)
        readAt[readings.device] = time
        fresh = readings
      }
    case .failed(let device?, let report):
      guard devices.contains(device) else { return babbled("answered for a device that was not asked for") }
      if answers[device] == nil { answers[device] = .failed(report) } else { trouble = report }
    case .failed(nil, let report): verdict = report
    case .done(let done): self.done = done
    case .stopped(let at):
      stopped = true
      stage = max(stage, at)
    case .probed(let probe) where question == .host: self.probe = probe
    case .found(let one) where question == .everybody:
      guard !found.contains(where: { $0.unit == one.unit }) else { return babbled("found unit \(one.unit) twice") }
      guard found.count < Wire.maxDevices else { return babbled("found more than \(Wire.maxDevices) devices") }
      found.append(one)
    case .seen, .probed, .found: babbled("answered another job than the one it was given")
    }
  }

  private mutating func babbled(_ what: String) {
    fault = fault ?? FailureReport(.workerBabbled, at: stage, "The worker \(what).")
  }

  /// - Parameter stopAsked: we asked it to end before its deadline.
  package func concluded(_ ending: Ending, stopAsked: Bool) -> PollOutcome {
    let missing = judge(ending, stopAsked: stopAsked)
    let answers = devices.map { ($0, self.answers[$0] ?? .failed(missing)) }
    let isWhole = devices.allSatisfy { self.answers[$0] != nil } && done != nil
    let hasSuccess = self.answers.values.contains { $0.readings != nil }
    return PollOutcome(
      poll: poll, answers: Dictionary(uniqueKeysWithValues: answers), readAt: readAt, done: done, stage: stage,
      linkedBy: linkedBy, lasted: ending.lasted,
      needsRelease: mayHaveLeftLink(ending),
      trouble: done?.trouble ?? trouble ?? (hasSuccess ? fault ?? (isWhole ? nil : missing) : nil),
      workerCPU: ending.cpu, workerPeakKiB: ending.peakKiB, strays: ending.strays)
  }

  /// Why the worker did not come to the end of its job; `nil` where it did.
  package func failure(_ ending: Ending, stopAsked: Bool) -> FailureReport? {
    done != nil && fault == nil && verdict == nil ? nil : judge(ending, stopAsked: stopAsked)
  }

  /// The failure of the devices that have no answer.
  private func judge(_ ending: Ending, stopAsked: Bool) -> FailureReport {
    func report(_ failure: Failure, _ message: String) -> FailureReport { FailureReport(failure, at: stage, message) }
    if let fault { return fault }
    if let verdict { return verdict }
    if ending.cause == .abandoned {
      return report(
        .workerTimedOut, "The worker did not end, not even by force: a disk or driver holds it. It had come to \(stage).")
    }
    if let deadline {
      return report(
        .workerTimedOut, "The worker was ended at its deadline of \(deadline.seconds) s\(killed ? " by force" : ""), in \(stage)."
      )
    }
    if stopAsked || stopped { return report(.stopped, "The poll was stopped in \(stage).") }
    switch ending.cause {
    case .abandoned, .unknown: return report(.workerCrashed, "The worker ended in \(stage), and how was not to be learned.")
    case .signalled(let signal): return report(.workerCrashed, "The worker was ended by signal \(signal) in \(stage).")
    case .exited(let code):
      if !ending.remainder.isEmpty { return report(.workerBabbled, "The worker ended in the middle of a line.") }
      if strangers > 0 { return report(.workerBabbled, "The worker answered another poll than the one it was given.") }
      if done != nil { return report(.workerBabbled, "The worker ended its answer without a word about this device.") }
      return report(.workerCrashed, "The worker exited with \(code) and without an answer, in \(stage).")
    }
  }

  private func mayHaveLeftLink(_ ending: Ending) -> Bool {
    if let done { return done.link == .left }
    if yields, !hasConnected { return false }
    // It lives, with its link, whoever carries that. The release will fail where it cannot be helped, and is then a problem.
    if ending.cause == .abandoned { return true }
    // The kernel's link ended with its process. Only one that was still being made may be made just then: finding its socket gone,
    // the kernel gives it to bluetoothd, which listens for links and keeps what it gets (seen of four in seven workers that were
    // killed within the 50 ms of a connect).
    if linkedBy == .kernel { return isConnecting }
    guard case .exited = ending.cause, deadline == nil, !stopped else { return true }
    // One that ended by itself before it came to the radio has left nothing.
    return stage >= .release || verdict == nil
  }
}
