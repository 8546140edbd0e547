package import Readings

/// A running program, and what it says. Dropping the stream (or cancelling the task that iterates it) stops the program.
package struct Child: Sendable {
  package let pid: Int32
  /// For one consumer. Holds at most what the output limits allow; its last element is always `ended`.
  package let output: AsyncStream<ChildEvent>
  private let order: @Sendable (ChildOrder) -> Void

  init(pid: Int32, output: AsyncStream<ChildEvent>, order: @escaping @Sendable (ChildOrder) -> Void) {
    self.pid = pid
    self.output = output
    self.order = order
  }

  /// More standard input, for a command that `keepsInputOpen`. A child that leaves a mebibyte of it unread is stopped.
  package func write(_ bytes: [UInt8]) { order(.write(bytes)) }
  package func closeInput() { order(.closeInput) }
  /// SIGTERM to its process group; after the grace SIGKILL. Returns at once: `ended` says when it is over.
  package func stop() { order(.stop) }
  /// One signal to its process group, and nothing else. Nothing happens once it has ended.
  package func kill(_ signal: Int32) { order(.kill(signal)) }
}

enum ChildOrder: Sendable {
  case write([UInt8])
  case closeInput
  /// There was more to write than may wait.
  case refuseInput
  case stop
  case kill(Int32)
}

package enum ChildEvent: Equatable, Sendable {
  /// A line of standard output, without its newline.
  case line([UInt8])
  /// A line of standard error, cut at its limit, repaired to valid UTF-8.
  case errorLine(String)
  /// Standard output went over a limit: it is closed, and the child is being stopped.
  case overflow(LineSplitter.Overflow)
  /// The deadline came, and SIGTERM was sent.
  case deadline
  /// SIGKILL was sent.
  case killed
  case ended(Ending)
}

/// How a child ended, and what it cost.
package struct Ending: Equatable, Sendable {
  package enum Cause: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
    /// It did not end within five seconds of SIGKILL (a disk or driver holds it): nobody waits for it any longer.
    case abandoned
    /// It ended, but how was told to somebody else: one who reaps this process's children, or who traces this one.
    case unknown
  }

  package var cause: Cause
  /// What stood on standard output after the last newline: half a line.
  package var remainder: [UInt8]
  package var cpu: Duration
  /// As wait4 tells it. Never less than the supervisor's own peak: Linux counts the memory shared with it until the exec.
  package var peakKiB: Int
  /// Launch to the end being seen.
  package var lasted: Duration
  /// Processes that had run away from its group and were killed (`Spawner.adoptOrphans`). Counted to the child whose mark they carry in
  /// their environment or whose session they are in; else to the one at whose end they were found.
  package var strays: Int

  package init(
    cause: Cause, remainder: [UInt8] = [], cpu: Duration = .zero, peakKiB: Int = 0, lasted: Duration, strays: Int = 0
  ) {
    self.cause = cause
    self.remainder = remainder
    self.cpu = cpu
    self.peakKiB = peakKiB
    self.lasted = lasted
    self.strays = strays
  }
}
