import Foundation
import Readings
import Supervisor
import Testing

@Suite struct TranscriptRingTests {
  private let place = FileManager.default.temporaryDirectory.appending(path: "blupow-ring-\(UUID().uuidString)")
  private let address: Address

  init() throws { address = try #require(Address("D8:B6:73:BF:4F:75")) }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: place.appending(path: "D8-B6-73-BF-4F-75").path).sorted()
  }

  @Test func `the last polls of a module are kept, in their order, whatever else stands there`() throws {
    defer { try? FileManager.default.removeItem(at: place) }
    for number in 1...30 {
      // As after a restart each time.
      let path = try #require(TranscriptRing(directory: place.path).next(for: address, poll: "b7e2-\(number)"))
      try Data("\(number)".utf8).write(to: URL(filePath: path))
      if number == 5 { try Data().write(to: place.appending(path: "D8-B6-73-BF-4F-75/mine.txt")) }
    }
    let names = try names()
    #expect(names.count == TranscriptRing.kept + 1 && names.contains("mine.txt"))
    #expect(names.first == "00000011-b7e2-11.jsonl" && names.dropLast().last == "00000030-b7e2-30.jsonl")
    let other = try #require(Address("D8:B6:73:BF:4F:76"))
    #expect(TranscriptRing(directory: place.path).next(for: other, poll: "x")?.hasSuffix("/00000001-x.jsonl") == true)
    #expect(try self.names() == names, "modules are counted each for itself")
  }

  @Test func `a poll's id does not lead out of the directory`() throws {
    defer { try? FileManager.default.removeItem(at: place) }
    let path = try #require(TranscriptRing(directory: place.path).next(for: address, poll: "../../x"))
    #expect(path == "\(place.path)/D8-B6-73-BF-4F-75/00000001-x.jsonl")
  }

  @Test func `where there is no place, there is no file`() {
    #expect(TranscriptRing(directory: "/proc/nowhere").next(for: address, poll: "x") == nil)
  }
}
