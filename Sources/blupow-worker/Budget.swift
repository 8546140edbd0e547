import Readings

/// How one deadline is shared out (protocol/README.md: the supervisor's D, the worker's W = D - 3 s).
struct Budget {
  let start: ContinuousClock.Instant
  /// When the process must be gone.
  let end: ContinuousClock.Instant
  /// When the work must be done; what is left after it is for disconnecting (2.1 to 2.5 s on bluetoothd).
  let work: ContinuousClock.Instant
  /// Kept for reading registers at the end of the work.
  let reading: Duration

  init(start: ContinuousClock.Instant, deadline: Duration) {
    self.start = start
    end = start + deadline
    work = end - .seconds(3)
    reading = min(.seconds(4), (deadline - .seconds(3)) / 4)
  }

  /// Disconnecting must have ended by then, so that the last line is out before the end.
  var closing: ContinuousClock.Instant { end - .milliseconds(300) }

  /// A scan leaves this side of it for one connect and the reading.
  var scanning: ContinuousClock.Instant { work - reading * 2 }

  /// The shortest time in which a connection attempt is worth making.
  var shortestAttempt: Duration { min(.seconds(3), (work - start) / 4) }

  /// When the lock must be ours: later, nothing sensible fits.
  var locking: ContinuousClock.Instant { work - reading - shortestAttempt }

  /// How many of `attempts`, from number `first` on, fit into what is left, each with a time worth having.
  func affordable(_ attempts: Int, from first: Int, pause: Duration, now: ContinuousClock.Instant = .now) -> Int {
    var count = attempts
    while count > first, attempt(first, of: count, pause: pause, now: now) - now < shortestAttempt { count -= 1 }
    return count
  }

  /// When connection attempt `number` must have ended: its share of what is left, after reading and the pauses to come.
  ///
  /// - Parameter pause: before the second attempt; it doubles.
  func attempt(_ number: Int, of attempts: Int, pause: Duration, now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant {
    var pauses = Duration.zero
    for coming in number..<attempts { pauses += pause * (1 << (coming - 1)) }
    let left = max(.zero, (work - now) - reading - pauses)
    return now + left / (attempts - number + 1)
  }
}
