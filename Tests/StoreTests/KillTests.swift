import Chance
import CLinux
import Foundation
import Rig
import Testing

@testable import Store

/// A program that is killed while it saves, at instants that nobody chose.
@Suite struct KillTests {
  /// Runs store-writer for that long, or that long after its first save, kills it, and gives the last generation that it said was
  /// saved.
  private func write(into folder: Folder, for microseconds: Int, afterFirst: Bool) async throws -> Int64? {
    var ends: [Int32] = [-1, -1]
    let pipe = blupow_pipe(&ends)
    try #require(pipe == 0)
    defer { close(ends[0]) }
    var pid: pid_t = 0
    let path = Built.path("store-writer")
    var arguments: [UnsafeMutablePointer<CChar>?] = ["store-writer", "loop", folder.path].map { (word: String) in strdup(word) }
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

  @Test(.timeLimit(.minutes(5))) func `killed at 200 instants, it has all that it said was saved, and nothing by halves`()
    async throws
  {
    var dice = Dice(seed: 9)
    var folder = try Folder()
    var saved: Int64 = 0
    var runs = (whileOpening: 0, whileSaving: 0)
    for run in 0..<200 {
      // From before it has begun to some dozens of saves; a new directory now and then, so that its making is hit as well.
      if run % 20 == 0 {
        folder = try Folder()
        saved = 0
      }
      let last = try await write(into: folder, for: dice.roll(0...40_000), afterFirst: run % 2 == 1)
      if let last {
        runs.whileSaving += 1
        saved = last
      } else {
        runs.whileOpening += 1
      }
      // What was left is looked at in a copy, so that the next run meets it as it is.
      let copy = try folder.copy()
      let loaded = LoadedStore(directory: copy.path)
      #expect(loaded.failure == nil && loaded.warnings == [], "run \(run)")
      let a = loaded.records.first { $0.key == "a" }?.text
      let b = loaded.records.first { $0.key == "b" }?.text
      #expect(a == b, "run \(run)")
      let generation = a.flatMap { Int64($0) } ?? 0
      // One more may have been saved than it came to say.
      #expect(generation == saved || generation == saved + 1, "run \(run): \(generation), said \(saved)")
      if generation > 0 {
        let ballast = loaded.records.first { $0.key == "c" }?.text
        #expect(ballast?.utf8.count == Int(generation * 7919 % 30_000), "run \(run)")
      }
      saved = generation
      loaded.store?.close()
    }
    #expect(runs.whileOpening > 5 && runs.whileSaving >= 100, "\(runs)")
  }
}
