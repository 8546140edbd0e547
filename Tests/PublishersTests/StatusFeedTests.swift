import NIOCore
import Policy
import Testing

@testable import Publishers

@Suite struct StatusFeedTests {
  private func fleet(_ gateway: String) -> FleetStatus { FleetStatus(gateway: gateway, devices: []) }

  private func text(_ piece: ByteBuffer?) -> String { piece.map { String(buffer: $0) } ?? "(end)" }

  @Test func `a piece is an event of one line of data`() async throws {
    let feed = StatusFeed()
    let stream = try await feed.join(from: ClientPlace(address: "a")) { fleet("cabin") }
    var pieces = stream.pieces.makeAsyncIterator()
    let piece = text(await pieces.next())
    #expect(piece.hasPrefix("event: status\ndata: {") && piece.hasSuffix("}\n\n"))
    #expect(piece.split(separator: "\n").count == 2)
  }

  @Test func `who is slow misses what is old, and nothing queues`() async throws {
    let feed = StatusFeed()
    let stream = try await feed.join(from: ClientPlace(address: "a")) { fleet("first") }
    for number in 1...100 { feed.tell(fleet("g\(number)")) }
    // That he is still there is asked of him who has nothing to take.
    feed.beat()
    stream.end()
    var heard: [String] = []
    for await piece in stream.pieces { heard.append(text(piece)) }
    #expect(heard.count == 1 && heard[0].contains("\"gateway\":\"g100\""))
  }

  @Test func `where nothing changes it says that it is there`() async throws {
    let feed = StatusFeed()
    let stream = try await feed.join(from: ClientPlace(address: "a")) { fleet("cabin") }
    var pieces = stream.pieces.makeAsyncIterator()
    _ = await pieces.next()
    feed.beat()
    #expect(text(await pieces.next()) == ":\n\n")
    stream.end()
    #expect(await pieces.next() == nil)
  }

  @Test func `a change while the first is asked for is not undone by it`() async throws {
    let feed = StatusFeed()
    let stream = try await feed.join(from: ClientPlace(address: "a")) {
      feed.tell(fleet("new"))
      return fleet("old")
    }
    stream.end()
    var heard: [String] = []
    for await piece in stream.pieces { heard.append(text(piece)) }
    #expect(heard.count == 1 && heard[0].contains("\"gateway\":\"new\""))
  }

  @Test func `a seat that is left is free, and one host leaves some for the others`() async throws {
    let feed = StatusFeed()
    func sit(_ host: String) async throws -> Answer.Stream {
      try await feed.join(from: ClientPlace(address: host)) { fleet("cabin") }
    }
    for _ in 1...100 { try await sit("a").end() }
    var kept: [Answer.Stream] = []
    for _ in 1...12 { kept.append(try await sit("a")) }
    let ofOne = await #expect(throws: StatusFeed.Refusal.self) { try await sit("a") }
    #expect(ofOne?.sentence.hasPrefix("12 clients listen from there already") == true)
    for place in ["b", "c"] { for _ in 1...10 { kept.append(try await sit(place)) } }
    for place in ["d", "d"] {
      let refusal = await #expect(throws: StatusFeed.Refusal.self) { try await sit(place) }
      #expect(refusal?.sentence == "32 clients listen already.")
    }
    kept.removeFirst().end()
    kept.append(try await sit("d"))
    withExtendedLifetime(kept) {}
  }

  @Test(.timeLimit(.minutes(1))) func `a status that cannot be written is not passed over in silence`() async throws {
    let feed = StatusFeed()
    var device = try Sample.device("Roof")
    device.successRate = .nan
    let odd = FleetStatus(gateway: "cabin", devices: [device])
    let stream = try await feed.join(from: ClientPlace(address: "a")) { fleet("cabin") }
    feed.tell(odd)
    var heard = 0
    for await _ in stream.pieces { heard += 1 }
    #expect(heard == 1, "and then it ended")
    let refusal = await #expect(throws: StatusFeed.Refusal.self) { try await feed.join(from: ClientPlace(address: "a")) { odd } }
    #expect(refusal?.sentence == "The status cannot be written as JSON.")
  }
}
