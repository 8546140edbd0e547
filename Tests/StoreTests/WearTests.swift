import Foundation
import Rig
import Testing

/// What saving costs a flash card.
@Suite struct WearTests {
  @Test func `20 devices that change every 10 s write under 400 MB a day`() throws {
    let folder = try Folder()
    let writer = Process()
    let output = Pipe()
    writer.executableURL = URL(filePath: Built.path("store-writer"))
    writer.arguments = ["wear", folder.path, "500"]
    writer.standardOutput = output
    try writer.run()
    let text = try String(decoding: output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    writer.waitUntilExit()
    let words = text.split(whereSeparator: \.isWhitespace)
    let wrote = try #require(words.dropFirst().first.flatMap { Int($0) }, "\(text)")
    // 8640 saves a day. Measured: 29 kB a save for 23 kB of text, 251 MB a day.
    #expect(wrote / 500 * 8640 < 400_000_000)
    #expect(wrote > 500 * 20 * 1000)
  }
}
