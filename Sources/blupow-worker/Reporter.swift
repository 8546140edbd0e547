import Glibc
import Readings

/// Says what happens: event lines on standard output, a log for people on standard error. Keeps the stage and its times.
final class Reporter {
  var poll = "-"
  private(set) var stage = Stage.start
  private(set) var spent: [Stage: Duration] = [:]
  private let start: ContinuousClock.Instant
  private var entered: ContinuousClock.Instant
  private let stop: Int32
  private let isVerbose: Bool

  init(start: ContinuousClock.Instant, stop: Int32, isVerbose: Bool) {
    self.start = start
    self.stop = stop
    self.isVerbose = isVerbose
    entered = start
  }

  var elapsed: Duration { start.duration(to: .now) }

  /// Milliseconds spent in each stage so far.
  var stages: [Stage: Int64] {
    var all = spent
    all[stage, default: .zero] += entered.duration(to: .now)
    return all.mapValues(\.milliseconds)
  }

  func enter(_ next: Stage, attempt: Int = 1) throws {
    spent[stage, default: .zero] += entered.duration(to: .now)
    stage = next
    entered = .now
    try emit(.stage(next, attempt: attempt))
    if isVerbose { log(attempt > 1 ? "\(next.rawValue) (attempt \(attempt))" : next.rawValue) }
  }

  /// One line out. Nobody who listens is a reason to stop, as a signal is.
  func emit(_ event: Event) throws {
    try write(try Wire.line(EventLine(poll: poll, time: elapsed, event: event)))
    if isVerbose, case .failed(let device, let report) = event {
      log("\(device.map { "\($0): " } ?? "")\(report.failure.rawValue): \(report.message) \(report.failure.advice)")
    }
  }

  func print(_ text: String) { try? write(Array((text + "\n").utf8)) }

  func log(_ text: String) {
    let line = Array("\(elapsed.milliseconds) ms  \(text)\n".utf8)
    // Never waited for: a terminal that is stopped must not keep a link.
    var polled = [pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)]
    guard Glibc.poll(&polled, 1, 0) > 0 else { return }
    _ = Glibc.write(STDERR_FILENO, line, line.count)
  }

  private func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      // A reader that stopped reading must not keep a stop from being heard.
      var polled = [
        pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0), pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
      ]
      while Glibc.poll(&polled, nfds_t(polled.count), -1) < 0 && errno == EINTR {}
      if polled[0].revents == 0 { throw Stopped() }
      let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Stopped()
      }
      rest = rest.dropFirst(count)
    }
  }
}
