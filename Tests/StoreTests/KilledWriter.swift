import CLinux
import Foundation
import Rig
import Testing

/// A program that writes, says what it has written, and is killed.
enum KilledWriter {
  /// Runs it for that long, or that long after its first save, kills it, and gives the last number that it said was saved.
  static func run(
    _ program: String, _ words: String..., for microseconds: Int, afterFirst: Bool
  ) async throws -> Int64? {
    var ends: [Int32] = [-1, -1]
    let pipe = blupow_pipe(&ends)
    try #require(pipe == 0)
    defer { close(ends[0]) }
    var pid: pid_t = 0
    let path = Built.path(program)
    var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { (word: String) in strdup(word) }
    arguments.append(nil)
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    defer { for argument in arguments { free(argument) } }
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(nothing) }
    let failure = blupow_spawn(&pid, path, &arguments, &environment, nothing, ends[1], 2)
    try #require(failure == 0)
    close(ends[1])
    var polled = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
    while afterFirst, poll(&polled, 1, 0) == 0 { try await Task.sleep(for: .milliseconds(1)) }
    try await Task.sleep(for: .microseconds(microseconds))
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    try #require(status & 0x7f == SIGKILL, "it ended by itself")
    var said = [UInt8](repeating: 0, count: 65_536)
    let count = read(ends[0], &said, said.count)
    guard count >= 8 else { return nil }
    return said[(count - 8)..<count].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
  }
}
