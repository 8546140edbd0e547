import Chance
import Foundation
import Readings
import Rig
import Testing

@testable import Store

/// A program that is killed while it writes a history, at instants that nobody chose.
@Suite struct HistoryKillTests {
  private static let kills = getenv("BLUPOW_TEST_LONG") == nil ? 20 : 200

  @Test(.timeLimit(.minutes(10))) func `killed at any instant, it has every batch that it said was saved, whole and once`()
    async throws
  {
    var dice = Dice(seed: 11)
    var folder = try Folder()
    var (said, written) = (0, 0)
    for run in 0..<Self.kills {
      // A new directory now and then, so that its making is hit as well.
      if run % 10 == 0 { (folder, said) = (try Folder(), 0) }
      let output = try await KilledWriter.run(
        "history-writer", "loop", folder.path, for: dice.roll(0...60_000), afterFirst: run % 3 > 0)
      if let last = output { (said, written) = (Int(last), written + 1) }
      // What was left is looked at in a copy, so that the next run meets it as it is.
      let copy = try folder.copy()
      let (file, warning) = try HistoryFile.open(directory: copy.path)
      file.close()
      #expect(warning == nil, "run \(run)")
      let numbers = try copy.polls().compactMap { poll -> Int? in
        guard case .number(let number)? = poll.readings["number"]?.value else { return nil }
        return Int(number)
      }
      // One batch more may have been saved than it came to say.
      #expect(numbers.count == said || numbers.count == said + 10, "run \(run): \(numbers.count), said \(said)")
      #expect(numbers == (0..<numbers.count).map { $0 + 1 }, "run \(run)")
      #expect(try copy.counted() == numbers.count, "run \(run)")
      said = numbers.count
    }
    #expect(written > Self.kills / 2)
  }
}
