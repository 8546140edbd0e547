import CLinux
import Glibc
import Readings

/// One child while it runs: its descriptors, what it has yet to be told, and what it has said. Belongs to the spawner's thread.
final class ChildRun {
  enum End { case process, input, output, error }

  let pid: Int32
  var teardown: Teardown
  /// Processes that ran away from its group, so far.
  var strays = 0
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
  /// How it ended, once it is reaped.
  private var ending: Ending?

  /// What a child may leave unread on its standard input.
  static let maxPending = 1_048_576
  /// What is still read after the end: some full pipes.
  private static let maxDrain = 1_048_576

  /// - Parameters:
  ///   - mark: goes into its environment, where there is one.
  ///   - leave: gets the number of a process that was started in vain and is yet to be reaped.
  init(
    _ launch: Spawner.Launch, mark: ChildMark?, said: AsyncStream<ChildEvent>.Continuation, at now: ContinuousClock.Instant,
    leave: (Int32) -> Void
  ) throws(SpawnFailure) {
    var command = launch.command
    if let mark { command.environment[ChildMark.name] = mark.value }
    let path = command.path
    let input = try Pipe(for: path)
    let output = try Pipe(for: path)
    let error = try Pipe(for: path)
    pid = try command.spawn(
      input: input.reader.number, output: output.writer.number, error: error.writer.number)
    let pidfd = blupow_pidfd_open(pid)
    guard pidfd >= 0 else {
      // Without a pidfd it could not be watched. It goes at once, having run for microseconds; not even so is it waited for here.
      Glibc.kill(-pid, SIGKILL)
      leave(pid)
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
    pending = command.input[...]
    closesInput = !command.keepsInputOpen
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

  /// How many of this process's descriptors are to this child.
  var descriptorCount: Int {
    [process?.number, input?.number, output?.number, error?.number].count { $0 != nil }
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
    guard pending.count > Self.maxPending else { return true }
    refuseInput()
    return false
  }

  /// It hears nothing more: what waits for it, and what will be sent while it is being stopped, is dropped.
  func refuseInput() {
    input = nil
    pending = []
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

  /// It is a zombie and its group is gone: its last words, then the reaping. A pipe that somebody else still holds is left. `false`: it
  /// is still to be reaped, because who traces it has the first word.
  func collect(at now: ContinuousClock.Instant) -> Bool {
    let ended = blupow_reap(pid)
    var cause = Ending.Cause.unknown
    if ended.reaped == 1 { cause = ended.signal != 0 ? .signalled(ended.signal) : .exited(ended.exit_code) }
    close(
      Ending(
        cause: cause, cpu: .microseconds(ended.cpu_us), peakKiB: Int(ended.peak_kib), lasted: now - launched))
    return ended.reaped != 0
  }

  func abandon(at now: ContinuousClock.Instant) { close(Ending(cause: .abandoned, lasted: now - launched)) }

  /// Says how it ended, which is the last that is heard of it.
  func tellEnding() {
    if var ending {
      ending.strays = strays
      said.yield(.ended(ending))
    }
    said.finish()
  }

  /// Hears its last words, and closes all that is open for it.
  private func close(_ ending: Ending) {
    drain()
    self.ending = ending
    self.ending?.remainder = lines.remainder
    process = nil
    input = nil
    output = nil
    error = nil
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
}
