package import Readings

/// What one poll of a module came to.
package struct PollOutcome: Equatable, Sendable {
  package enum Answer: Equatable, Sendable {
    case readings(DeviceReadings)
    case failed(FailureReport)

    package var readings: DeviceReadings? { if case .readings(let readings) = self { readings } else { nil } }
    package var failure: FailureReport? { if case .failed(let report) = self { report } else { nil } }
  }

  package var poll: String
  /// Every device of the request, by name.
  package var answers: [String: Answer]
  /// When the readings of each device that gave some were complete, since the launch.
  package var readAt: [String: Duration]
  /// The worker's last line, where it came so far.
  package var done: Done?
  /// The furthest stage that was entered.
  package var stage: Stage
  /// What carried it, where it came so far.
  package var linkedBy: LinkKind?
  /// Launch to end.
  package var lasted: Duration
  /// It may have left a link.
  package var needsRelease: Bool
  /// What went wrong besides; it takes nothing from the readings.
  package var trouble: FailureReport?
  package var workerCPU: Duration
  package var workerPeakKiB: Int
  /// Processes that the worker left, and that were killed.
  package var strays: Int

  package init(
    poll: String, answers: [String: Answer], readAt: [String: Duration] = [:], done: Done? = nil, stage: Stage = .start,
    linkedBy: LinkKind? = nil, lasted: Duration = .zero,
    needsRelease: Bool = false, trouble: FailureReport? = nil, workerCPU: Duration = .zero, workerPeakKiB: Int = 0,
    strays: Int = 0
  ) {
    self.poll = poll
    self.answers = answers
    self.readAt = readAt
    self.done = done
    self.stage = stage
    self.linkedBy = linkedBy
    self.lasted = lasted
    self.needsRelease = needsRelease
    self.trouble = trouble
    self.workerCPU = workerCPU
    self.workerPeakKiB = workerPeakKiB
    self.strays = strays
  }

  /// How long before the poll's end that device was read: closing the link takes seconds.
  package func ageAtEnd(of device: String) -> Duration {
    readAt[device].map { max(.zero, lasted - $0) } ?? .zero
  }

  /// One device's answer makes the module's poll a success.
  package var succeeded: Bool { answers.values.contains { $0.readings != nil } }

  /// Why it failed, where it did: of its devices' failures the module's own first.
  package var report: FailureReport? {
    guard !succeeded else { return nil }
    let reports = answers.sorted { $0.key < $1.key }.compactMap(\.value.failure)
    return reports.first { $0.failure.whose == .module } ?? reports.first
  }

  package var failure: Failure? { report?.failure }

  /// The module itself failed. A failure of bus, adapter or ours says nothing about it.
  package var blamesModule: Bool {
    !succeeded && answers.values.contains { $0.failure?.failure.whose == .module }
  }
}
