import Readings

/// How one deadline is shared out (DESIGN: the supervisor's D, the worker's W = D - 3 s).
struct Budget {
  /// When the process must be gone.
  let end: ContinuousClock.Instant
  /// When the work must be done; what is left after it is for disconnecting (2.1 to 2.5 s on bluetoothd).
  let work: ContinuousClock.Instant
  /// Kept for reading registers at the end of the work.
  let reading: Duration

  init(start: ContinuousClock.Instant, deadline: Duration) {
    end = start + deadline
    work = end - .seconds(3)
    reading = min(.seconds(4), (deadline - .seconds(3)) / 4)
  }

  /// Disconnecting must have ended by then, so that the last line is out before the end.
  var closing: ContinuousClock.Instant { end - .milliseconds(300) }

  /// A scan leaves this side of it for one connect and the reading.
  var scanning: ContinuousClock.Instant { work - reading * 2 }

  /// When a connection attempt must have ended: its share of what is left, after reading and the pauses to come.
  func attempt(_ number: Int, of attempts: Int, pause: Duration, now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant {
    var pauses = Duration.zero
    var next = pause
    for _ in number..<attempts {
      pauses += next
      next = next * 2
    }
    let left = max(.zero, (work - now) - reading - pauses)
    return now + left / (attempts - number + 1)
  }
}
