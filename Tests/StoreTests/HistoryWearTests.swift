import Foundation
import Rig
import Testing

@testable import Store

/// What a history of captured registers costs the disk. A year of it, and who waits for an answer, is in the long run.
@Suite struct HistoryWearTests {
  private static let transcripts = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Transcripts")
    .standardized
    .path()

  /// Runs history-writer; what it says.
  private func run(_ words: String...) throws -> String {
    let writer = Process()
    let output = Pipe()
    writer.executableURL = URL(filePath: Built.path("history-writer"))
    writer.arguments = words
    writer.standardOutput = output
    try writer.run()
    let text = try String(decoding: output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    writer.waitUntilExit()
    try #require(writer.terminationStatus == 0, "\(text)")
    return text
  }

  private func size(_ folder: Folder) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: "\(folder.path)/history.sqlite")[.size] as? Int ?? 0
  }

  @Test func `five devices at 30 s write under 8 MB a day to the disk, and the file grows by under 0.7 MB a day`() throws {
    let folder = try Folder()
    let said = try run("days", folder.path, "2", Self.transcripts)
    func number(_ name: String) throws -> Int {
      try #require(
        said.split(separator: "\n").first { $0.hasPrefix("\(name) ") }.flatMap { Int($0.dropFirst(name.count + 1)) }, "\(said)")
    }
    // Measured: 6.2 MB and 0.53 MB, where of every key another number comes at every poll.
    #expect(try number("wrote") / 2 < 8_000_000)
    #expect(try number("queued") / 2 < 8_000_000)
    #expect(try size(folder) / 2 < 700_000)
    #expect(try folder.polls(of: "btsnoop-hub 48").count == 2 * 2880)
  }
}
