import CLinux
import Glibc
import Supervisor

/// How a program ended that was told to stop while it was stuck.
package struct StuckEnd: Equatable, Sendable {
  package var exitCode: Int32
  package var signal: Int32
  /// SIGTERM to the end.
  package var took: Duration
}

extension Scene {
  /// Runs a program of ours with a full pipe, which nobody reads, for its standard output or error; sends SIGTERM once
  /// `isReady`, and waits for its end.
  package func stopWithFullPipe(
    for stuck: Int32, _ program: String, _ arguments: [String], more: [String: String] = [:],
    isReady: @Sendable (Int32) async throws -> Bool = { ProcessTable.catchesTermination($0) && ProcessTable.state(of: $0) == "S" }
  ) async throws -> StuckEnd? {
    var full: [Int32] = [0, 0]
    guard blupow_pipe(&full) == 0 else { return nil }
    defer { for descriptor in full { close(descriptor) } }
    _ = fcntl(full[1], F_SETFL, O_NONBLOCK)
    let page = [UInt8](repeating: 0x0A, count: 4096)
    while Glibc.write(full[1], page, page.count) > 0 {}
    _ = fcntl(full[1], F_SETFL, 0)
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    return try await stop(
      program, arguments,
      environment.merging(["BLUPOW_STATE_DIR": "\(simulation.directory)/state-full"]) { $1 }.merging(more) { $1 },
      output: stuck == 1 ? full[1] : null,
      error: stuck == 2 ? full[1] : null,
      isReady: isReady)
  }

  /// Runs the worker on a bus whose backlog is full: connect(2) blocks there, where no stop is looked for.
  package func stopOnFullBacklog() async throws -> StuckEnd? {
    let path = "\(simulation.directory)/backlog"
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    func with(_ call: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ descriptor: Int32) -> Int32 {
      withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
      }
    }
    guard with(bind, listener) == 0, listen(listener, 0) == 0 else { return nil }
    var peers = [listener]
    defer { for descriptor in peers { close(descriptor) } }
    repeat {
      let peer = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      _ = fcntl(peer, F_SETFL, O_NONBLOCK)
      peers.append(peer)
    } while with(connect, peers[peers.count - 1]) == 0 && peers.count < 100
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    return try await stop(
      "blupow-worker", ["probe"], environment(bus: "unix:path=\(path)"), output: null, error: null,
      isReady: { ProcessTable.catchesTermination($0) && ProcessTable.state(of: $0) == "S" })
  }

  private func stop(
    _ program: String, _ words: [String], _ environment: [String: String], output: Int32, error: Int32,
    isReady: @Sendable (Int32) async throws -> Bool
  ) async throws -> StuckEnd? {
    let path = Built.path(program)
    var arguments: [UnsafeMutablePointer<CChar>?] = ([path] + words).map { strdup($0) }
    arguments.append(nil)
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
    variables.append(nil)
    defer { for pointer in arguments + variables { free(pointer) } }
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(null) }
    var pid: pid_t = 0
    guard blupow_spawn(&pid, path, &arguments, &variables, null, output, error) == 0 else { return nil }
    while try await !isReady(pid) { try await Task.sleep(for: .milliseconds(2)) }
    let start = ContinuousClock.now
    kill(pid, SIGTERM)
    let hasEnded = try await ProcessTable.end(of: pid, within: .seconds(8)) != nil
    let took = start.duration(to: .now)
    if !hasEnded { kill(-pid, SIGKILL) }
    _ = try await ProcessTable.end(of: pid, within: .seconds(2))
    let ended = blupow_reap(pid)
    return StuckEnd(exitCode: ended.exit_code, signal: ended.signal, took: took)
  }
}
