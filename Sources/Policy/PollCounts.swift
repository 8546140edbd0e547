package import Readings

/// How a device's polls have ended since the process began. Only ever more.
package struct PollCounts: Equatable, Sendable {
  package private(set) var successes = 0
  package private(set) var failures: [Failure: Int] = [:]

  package init() {}

  package var all: Int { failures.values.reduce(successes, +) }

  /// One that was stopped by us says nothing about the device, and is not counted.
  package mutating func note(_ answer: PollOutcome.Answer) {
    switch answer {
    case .readings: successes += 1
    case .failed(let report) where report.failure == .stopped: break
    case .failed(let report): failures[report.failure, default: 0] += 1
    }
  }
}
