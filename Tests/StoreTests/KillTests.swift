import Chance
import Foundation
import Rig
import Testing

@testable import Store

/// A program that is killed while it saves, at instants that nobody chose.
@Suite struct KillTests {
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
      let last = try await KilledWriter.run(
        "store-writer", "loop", folder.path, for: dice.roll(0...40_000), afterFirst: run % 2 == 1)
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
