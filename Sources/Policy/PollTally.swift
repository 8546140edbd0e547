import Readings

/// How the polls of the last minutes went, for the log's summary; begun anew with each.
package struct PollTally: Equatable, Sendable {
  /// Of so many polls the times are kept: more come together in a window of hours only.
  static let kept = 10_000

  package private(set) var polls = 0
  package private(set) var successes = 0
  private var times: [Duration] = []
  private var lags: [Duration] = []

  package init() {}

  /// - Parameter lag: from when it was due to its launch.
  package mutating func note(success: Bool, lasted: Duration, lag: Duration) {
    polls += 1
    if success { successes += 1 }
    Self.keep(lasted, in: &times, number: polls)
    Self.keep(lag, in: &lags, number: polls)
  }

  package var mean: Duration? { times.isEmpty ? nil : times.reduce(.zero, +) / times.count }

  /// - Parameter share: 0...1.
  package func time(_ share: Double) -> Duration? { Self.quantile(times, share) }
  package func lag(_ share: Double) -> Duration? { Self.quantile(lags, share) }

  /// "58 of 60 polls succeeded (96.7 %), mean 0.4 s, p95 1.2 s; ..."
  package func text(of devices: [DeviceStatus]) -> String {
    guard polls > 0 else { return "no poll ended" }
    let share = (Double(successes) / Double(polls) * 1000).rounded(.down) / 10
    var text = "\(successes) of \(polls) polls succeeded (\(share) %)"
    if let mean, let slow = time(0.95) { text += ", mean \(mean.shortSeconds), p95 \(slow.shortSeconds)" }
    let failing = devices.filter { $0.consecutiveFailures > 0 }
    guard !failing.isEmpty else { return text + "; every device answers" }
    let shown = failing.prefix(5).map { device in
      let available = device.availability.map { ", available \(($0 * 1000).rounded(.down) / 10) % of the day" } ?? ""
      return "\(device.name) (\(device.consecutiveFailures) in a row\(available))"
    }
    let more = failing.count > shown.count ? " and \(failing.count - shown.count) more" : ""
    return "\(text); failing: \(shown.joined(separator: ", "))\(more)"
  }

  private static func keep(_ time: Duration, in times: inout [Duration], number: Int) {
    if times.count < kept { times.append(time) } else { times[number % kept] = time }
  }

  private static func quantile(_ times: [Duration], _ share: Double) -> Duration? {
    guard !times.isEmpty else { return nil }
    let sorted = times.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
}
