import NIOCore
import Policy
import Testing

@testable import Publishers

@Suite struct StatusFeedTests {
  private func fleet(_ gateway: String) -> FleetStatus { FleetStatus(gateway: gateway, devices: []) }

  private func text(_ piece: ByteBuffer?) -> String { piece.map { String(buffer: $0) } ?? "(end)" }

  @Test func `a piece is an event of one line of data`() async throws {
    let feed = StatusFeed()
    let stream = try #require(await feed.join { fleet("cabin") })
    var pieces = stream.pieces.makeAsyncIterator()
    let piece = text(await pieces.next())
    #expect(piece.hasPrefix("event: status\ndata: {") && piece.hasSuffix("}\n\n"))
    #expect(piece.split(separator: "\n").count == 2)
  }

  @Test func `who is slow misses what is old, and nothing queues`() async throws {
    let feed = StatusFeed()
    let stream = try #require(await feed.join { fleet("first") })
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
    let stream = try #require(await feed.join { fleet("cabin") })
    var pieces = stream.pieces.makeAsyncIterator()
    _ = await pieces.next()
    feed.beat()
    #expect(text(await pieces.next()) == ":\n\n")
    stream.end()
    #expect(await pieces.next() == nil)
  }

  @Test func `a change while the first is asked for is not undone by it`() async throws {
    let feed = StatusFeed()
    let stream = try #require(
      await feed.join {
        feed.tell(fleet("new"))
        return fleet("old")
      })
    stream.end()
    var heard: [String] = []
    for await piece in stream.pieces { heard.append(text(piece)) }
    #expect(heard.count == 1 && heard[0].contains("\"gateway\":\"new\""))
  }

  @Test func `a seat that is left is free`() async throws {
    let feed = StatusFeed()
    for _ in 1...100 {
      let stream = try #require(await feed.join { fleet("cabin") })
      stream.end()
    }
    var kept: [Answer.Stream] = []
    for _ in 1...32 { kept.append(try #require(await feed.join { fleet("cabin") })) }
    #expect(await feed.join { fleet("cabin") } == nil)
    withExtendedLifetime(kept) {}
  }
}
