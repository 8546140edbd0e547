import CLinux
import Glibc
import Readings

/// One child while it runs: its descriptors, what it has yet to be told, and what it has said. Belongs to the spawner's thread.
final class ChildRun {
  enum End { case process, input, output, error }

  let pid: Int32
  var teardown: Teardown
  private let launched: ContinuousClock.Instant
  private let limits: OutputLimits
  private let said: AsyncStream<ChildEvent>.Continuation
  private var process: Descriptor?
  private var input: Descriptor?
  private var output: Descriptor?
  private var error: Descriptor?
  private var pending: ArraySlice<UInt8>
  private var closesInput: Bool
  private var lines: LineSplitter
  private var errorLines: ErrorLines
  private var held = 0

  /// What a child may leave unread on its standard input.
  private static let maxPending = 1_048_576
  /// What is still read after the end: some full pipes.
  private static let maxDrain = 1_048_576

  init(
    _ launch: Spawner.Launch, said: AsyncStream<ChildEvent>.Continuation, at now: ContinuousClock.Instant
  ) throws(SpawnFailure) {
    let path = launch.command.path
    let input = try Pipe(for: path)
    let output = try Pipe(for: path)
    let error = try Pipe(for: path)
    pid = try launch.command.spawn(
      input: input.reader.number, output: output.writer.number, error: error.writer.number)
    let pidfd = blupow_pidfd_open(pid)
    guard pidfd >= 0 else {
      // Without a pidfd it could not be watched. Its group goes and it is reaped at once: it has run for microseconds.
      Glibc.kill(-pid, SIGKILL)
      waitpid(pid, nil, 0)
      throw SpawnFailure(path: path, errno: -pidfd)
    }
    blupow_set_nonblocking(input.writer.number)
    blupow_set_nonblocking(output.reader.number)
    blupow_set_nonblocking(error.reader.number)
    process = Descriptor(pidfd)
    self.input = consume input.writer
    self.output = consume output.reader
    self.error = consume error.reader
    self.said = said
    launched = now
    limits = launch.limits
    teardown = Teardown(deadline: launch.deadline.map { now + $0 }, grace: launch.grace)
    pending = launch.command.input[...]
    closesInput = !launch.command.keepsInputOpen
    lines = LineSplitter(maxLine: limits.line, maxTotal: limits.total)
    errorLines = ErrorLines(maxLine: limits.errorLine, maxTotal: limits.errorTotal)
    writeInput()
  }

  /// What to wait for with poll(2).
  var waits: [(End, Int32, Int16)] {
    var waits: [(End, Int32, Int16)] = []
    // First: at the end `collect` hears the last words, however much came and in whatever order.
    if let number = process?.number { waits.append((.process, number, Int16(POLLIN))) }
    if let number = output?.number { waits.append((.output, number, Int16(POLLIN))) }
    if let number = error?.number { waits.append((.error, number, Int16(POLLIN))) }
    if let number = input?.number, !pending.isEmpty { waits.append((.input, number, Int16(POLLOUT))) }
    return waits
  }

  func say(_ event: ChildEvent) { said.yield(event) }

  /// To the whole group. The leader is not reaped yet, so the number is this child's.
  func signal(_ signal: Int32) { Glibc.kill(-pid, signal) }

  // MARK: Standard input

  /// `false`: it reads nothing, and too much is waiting for it.
  func queue(_ bytes: [UInt8]) -> Bool {
    guard input != nil else { return true }
    pending += bytes
    writeInput()
    return pending.count <= Self.maxPending
  }

  func closeInputWhenWritten() {
    closesInput = true
    writeInput()
  }

  func writeInput() {
    while let number = input?.number, !pending.isEmpty {
      let count = pending.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
      if count > 0 {
        pending = pending.dropFirst(count)
      } else if errno != EINTR {
        if errno == EAGAIN { return }
        // EPIPE: it does not want to hear more. How it ends says the rest.
        input = nil
      }
    }
    if closesInput { input = nil }
    pending = []
  }

  // MARK: Standard output and error

  /// Reads once, so that one child's flood leaves the others their turn. `false`: it went over a limit, which has been said.
  func readOutput() -> Bool {
    guard let number = output?.number else { return true }
    var overflow: LineSplitter.Overflow?
    let open = readChunk(number) { bytes in
      do throws(LineSplitter.Overflow) {
        try lines.feed(bytes) { line in
          held += max(line.count, OutputLimits.lineCost)
          if held <= limits.total { said.yield(.line(line)) }
        }
        if held > limits.total { throw .total(limit: limits.total) }
      } catch {
        overflow = error
      }
    }
    // Closed at an overflow: a child that still writes gets EPIPE instead of waiting on a full pipe through its clean-up.
    if !open || overflow != nil { output = nil }
    if let overflow { said.yield(.overflow(overflow)) }
    return overflow == nil
  }

  func readError() {
    guard let number = error?.number else { return }
    let open = readChunk(number) { bytes in errorLines.feed(bytes) { said.yield(.errorLine($0)) } }
    if !open { error = nil }
  }

  /// `false` at the end of the stream.
  private func readChunk(_ number: Int32, _ take: (ArraySlice<UInt8>) -> Void) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
      let count = read(number, buffer.baseAddress, buffer.count)
      if count > 0 { take(ArraySlice(buffer[..<count])) }
      return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }
  }

  // MARK: The end

  /// It is a zombie and its group is gone: its last words, then the reaping. A pipe that somebody else still holds is left.
  func collect(at now: ContinuousClock.Instant) {
    drain()
    let ended = blupow_reap(pid)
    let cause: Ending.Cause = ended.signal != 0 ? .signalled(ended.signal) : .exited(ended.exit_code)
    finish(
      Ending(
        cause: cause, remainder: lines.remainder, cpu: .microseconds(ended.cpu_us), peakKiB: Int(ended.peak_kib),
        lasted: now - launched))
  }

  func abandon(at now: ContinuousClock.Instant) {
    finish(Ending(cause: .abandoned, remainder: lines.remainder, lasted: now - launched))
  }

  private func drain() {
    var left = Self.maxDrain
    while left > 0, let number = output?.number, isReadable(number), readOutput() { left -= 65_536 }
    while left > 0, let number = error?.number, isReadable(number) {
      readError()
      left -= 65_536
    }
    errorLines.finish { said.yield(.errorLine($0)) }
  }

  private func isReadable(_ number: Int32) -> Bool {
    var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0
  }

  private func finish(_ ending: Ending) {
    process = nil
    input = nil
    output = nil
    error = nil
    said.yield(.ended(ending))
    said.finish()
  }
}
