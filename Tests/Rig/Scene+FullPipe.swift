import CLinux
import Glibc

/// How a worker ended whose standard output or error nobody reads.
package struct StuckEnd: Equatable, Sendable {
  package var exitCode: Int32
  package var signal: Int32
  /// SIGTERM to the end.
  package var took: Duration
}

extension Scene {
  /// Runs a poll by hand with a full pipe for one of its outputs, sends SIGTERM once it is stuck there, and waits for its end.
  package func stopWithFullPipe(for stuck: Int32) async throws -> StuckEnd? {
    var full: [Int32] = [0, 0]
    guard blupow_pipe(&full) == 0 else { return nil }
    defer { for descriptor in full { close(descriptor) } }
    _ = fcntl(full[1], F_SETFL, O_NONBLOCK)
    let page = [UInt8](repeating: 0x0A, count: 4096)
    while Glibc.write(full[1], page, page.count) > 0 {}
    _ = fcntl(full[1], F_SETFL, 0)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    let worker = Built.path("blupow-worker")
    let words = [worker, "poll", "--address", Self.address, "--profile", "inverter"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in arguments + variables { free(pointer) } }
    var pid: pid_t = 0
    guard blupow_spawn(&pid, worker, &arguments, &variables, null, stuck == 1 ? full[1] : null, stuck == 2 ? full[1] : null) == 0
    else { return nil }
    // It sleeps in the kernel, in poll or write, when it has come to the pipe.
    while ProcessTable.state(of: pid) == "R" || !ProcessTable.catchesTermination(pid) {
      try await Task.sleep(for: .milliseconds(2))
    }
    let start = ContinuousClock.now
    kill(pid, SIGTERM)
    guard try await ProcessTable.end(of: pid, within: .seconds(5)) != nil else { return nil }
    let took = start.duration(to: .now)
    let ended = blupow_reap(pid)
    return StuckEnd(exitCode: ended.exit_code, signal: ended.signal, took: took)
  }
}
