package import Readings

/// What a stability test of one device came to.
package struct StabilityReport: Equatable, Sendable {
  /// Who polled.
  package enum Poller: String, Codable, Sendable {
    /// The running service.
    case service
    /// The command itself.
    case command
  }

  package enum Verdict: String, Codable, Sendable { case excellent, good, fair, poor }

  /// What was left behind; `nil`: nobody knows.
  package struct Leaks: Equatable, Sendable {
    package var processes: Int?
    package var descriptors: Int?
    /// Links to the module that bluetoothd has after the last poll's has had its time to fall.
    package var links: Int?

    package init(processes: Int? = nil, descriptors: Int? = nil, links: Int? = nil) {
      self.processes = processes
      self.descriptors = descriptors
      self.links = links
    }

    /// As far as anybody knows.
    package var isNone: Bool { (processes ?? 0) + (descriptors ?? 0) + (links ?? 0) == 0 }
  }

  package static let passMark = 0.8
  package static let longestMean = 15_000.0
  /// What connect times must rise by over a test to be rising: half a second, and a quarter of their median. Less is no trouble of anybody's,
  /// and one test in twenty would find it by chance.
  static let leastRise = 500.0
  static let leastShare = 0.25

  package var name: String
  package var address: Address
  package var profile: String
  package var poller: Poller
  package var runs: [StabilityRun]
  package var leaks: Leaks
  /// All the runs that were asked for.
  package var isComplete: Bool

  package init(
    name: String, address: Address, profile: String, poller: Poller, runs: [StabilityRun], leaks: Leaks, isComplete: Bool
  ) {
    self.name = name
    self.address = address
    self.profile = profile
    self.poller = poller
    self.runs = runs
    self.leaks = leaks
    self.isComplete = isComplete
  }

  // MARK: Measures

  private var successes: [StabilityRun] { runs.filter { $0.failure == nil } }

  package var successCount: Int { successes.count }

  /// 0...1; `nil`: no poll ended.
  package var successRate: Double? { runs.isEmpty ? nil : Double(successCount) / Double(runs.count) }

  package var verdict: Verdict? {
    successRate.map { rate in
      switch rate {
      case 0.9...: .excellent
      case Self.passMark...: .good
      case 0.5...: .fair
      default: .poor
      }
    }
  }

  /// Of successful polls, as are the poll times.
  package var connect: Spread? { Spread(successes.compactMap(\.connectMs).map { Double($0) }) }
  package var poll: Spread? { Spread(successes.compactMap(\.pollMs).map { Double($0) }) }

  package var failures: [Failure: Int] {
    runs.compactMap(\.failure).reduce(into: [:]) { $0[$1.failure, default: 0] += 1 }
  }

  /// Of the connect times, by the number of their run; `nil`: too few to tell.
  package var trend: Trend? {
    Trend(successes.compactMap { run in run.connectMs.map { Trend.Point(run.number, Double($0)) } })
  }

  package var isRising: Bool {
    guard let trend, trend.isSignificantlyUpward, let connect else { return false }
    return trend.rise >= Self.leastRise && trend.rise >= connect.p50 * Self.leastShare
  }

  // MARK: Passed or not

  package var isPassed: Bool { faults.isEmpty }

  /// Why it is not passed, a sentence each.
  package var faults: [String] {
    var faults: [String] = []
    if !isComplete { faults.append("It was not run to its end.") }
    guard let successRate else { return faults + ["No poll was made."] }
    if successRate < Self.passMark {
      faults.append("\(successCount) of \(runs.count) polls succeeded; at least \(Int(Self.passMark * 100)) % must.")
    }
    if let connect {
      if connect.mean >= Self.longestMean {
        faults.append(
          "Connecting took \(Self.seconds(connect.mean)) on average; it must be less than \(Self.seconds(Self.longestMean)).")
      }
    } else if successCount > 0 {
      faults.append("No poll said how long connecting took.")
    }
    if isRising, let trend {
      faults.append("Connecting took longer and longer: by \(Self.seconds(trend.rise)) over the test.")
    }
    if let count = leaks.processes, count > 0 { faults.append("Processes that workers left: \(count).") }
    if let count = leaks.descriptors, count > 0 { faults.append("Descriptors that were not closed: \(count).") }
    if let count = leaks.links, count > 0 {
      faults.append("The module is still connected after the last poll: by a link that was left, or another program's.")
    }
    return faults
  }

  private static func seconds(_ milliseconds: Double) -> String {
    Duration.milliseconds(Int64(milliseconds.rounded())).shortSeconds
  }
}
