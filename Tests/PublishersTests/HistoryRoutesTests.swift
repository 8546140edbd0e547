import Foundation
import NIOCore
import Policy
import Readings
import Synchronization
import Testing

@testable import Publishers

/// What is answered of the past, by real connections.
@Suite struct HistoryRoutesTests {
  private func served(
    curves: @escaping HistoryRoutes.Ask = { _ in .nothing("") }, polls: @escaping HistoryRoutes.Ask = { _ in .nothing("") }
  ) async throws -> WebServed {
    let routes = HistoryRoutes(curves: curves, polls: polls).byPath
    return try await WebServed(try Sample.fleet()) { $0.routes = routes }
  }

  private func body(of answer: String) -> String {
    answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? ""
  }

  /// The span of time is the asker's; the rest of the document is as it stands here.
  private func withoutTimes(_ body: String) -> String { body.replacing(/"(from|to)":"[^"]*",?/, with: "") }

  @Test(.timeLimit(.minutes(5))) func `curves are a document`() async throws {
    let asked = Mutex<HistoryQuestion?>(nil)
    let served = try await served(curves: { question in
      asked.withLock { $0 = question }
      let point = HistoryDocument.Curve.Point(
        at: Date(timeIntervalSince1970: 1_784_000_000), min: 13.1, mean: 13.25, max: 13.4, count: 3)
      return .document(
        HistoryDocument(
          question, isSimulated: true, width: .milliseconds(1500), gap: .seconds(3),
          .curves([
            .init(key: "battery_voltage", unit: "V", isRawSign: true, points: [point]),
            .init(key: "cycles", unit: nil, isDerived: true, points: []),
          ])))
    })
    let answer = try await served.answer("GET /api/history?device=R%26D%201&keys=battery_voltage,cycles&since=1h&points=2400")
    #expect(answer.hasPrefix("HTTP/1.1 400 "), "more than 2000 points")
    let good = try await served.answer("GET /api/history?device=R%26D%201&keys=battery_voltage,cycles&since=1h&points=2000")
    #expect(good.hasPrefix("HTTP/1.1 200 ") && good.contains("\r\nContent-Type: application/json\r\n"))
    let curves =
      #"[{"derived":false,"key":"battery_voltage","points":[{"at":"2026-07-14T03:33:20.000Z","count":3,"max":13.4,"mean":13.25,"min":13.1}],"raw_sign":true,"unit":"V"},{"derived":true,"key":"cycles","points":[],"raw_sign":false,"unit":null}]"#
    #expect(
      withoutTimes(body(of: good)) == #"{"curves":\#(curves),"device":"R&D 1","gap_s":3,"test_mode":true,"width_s":1.5}"# + "\n")
    let question = try #require(asked.withLock { $0 })
    #expect(question.device == "R&D 1" && question.keys == ["battery_voltage", "cycles"] && question.points == 2000)
    #expect(body(of: good).contains("\"to\":\"\(question.to.rfc3339)\""))
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `what became of polls is a document`() async throws {
    let served = try await served(polls: { question in
      .document(
        HistoryDocument(
          question, isSimulated: false, width: .seconds(900), gap: .seconds(1800),
          .polls([
            .init(
              at: Date(timeIntervalSince1970: 1_784_000_000), good: 0, failed: ["not_seen": 2], connectMsMean: nil,
              pollMsMean: 1234.56, deadline: .seconds(40))
          ])))
    })
    let answer = try await served.answer("GET /api/polls?device=Roof")
    let polls =
      #"[{"at":"2026-07-14T03:33:20.000Z","connect_ms_mean":null,"deadline_s":40,"failed":{"not_seen":2},"good":0,"poll_ms_mean":1234.6}]"#
    #expect(
      withoutTimes(body(of: answer)) == #"{"device":"Roof","gap_s":1800,"polls":\#(polls),"test_mode":false,"width_s":900}"#
        + "\n")
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `what cannot be answered is a sentence`() async throws {
    let served = try await served(curves: { question in
      question.device == "Roof" ? .nothing("The disk is away.") : .noDevice(["Roof", "Shed"])
    })
    let unknown = try await served.answer("GET /api/history?device=Toaster&keys=a")
    #expect(unknown.hasPrefix("HTTP/1.1 404 "))
    #expect(body(of: unknown) == #"{"error":"There is no history of 'Toaster'; there is of: Roof, Shed."}"# + "\n")
    let away = try await served.answer("GET /api/history?device=Roof&keys=a")
    #expect(away.hasPrefix("HTTP/1.1 503 "))
    #expect(body(of: away) == #"{"error":"The disk is away."}"# + "\n")
    let wrong = try await served.answer("GET /api/polls?device=Roof&points=many")
    #expect(wrong.hasPrefix("HTTP/1.1 400 "))
    #expect(body(of: wrong) == #"{"error":"`points` is a number from 1 to 2000."}"# + "\n")
    try await served.end()
  }

  @Test(.timeLimit(.minutes(5))) func `who asks while many ask already is told so, and later is answered`() async throws {
    let (doors, open) = AsyncStream.makeStream(of: Void.self)
    let (arrivals, arrive) = AsyncStream.makeStream(of: Void.self)
    let routes = HistoryRoutes(
      curves: { _ in .nothing("") },
      polls: { _ in
        arrive.yield()
        for await _ in doors {}
        return .nothing("answered")
      })
    let route = try #require(routes.byPath["/api/polls"])
    @Sendable func polls(from host: String) async -> String { text(await route(["device": "Roof"], ClientPlace(address: host))) }
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<HistoryRoutes.maxAsked { group.addTask { _ = await polls(from: "host \(number / 4)") } }
      var arrived = arrivals.makeAsyncIterator()
      for _ in 0..<HistoryRoutes.maxAsked { _ = await arrived.next() }
      #expect(await polls(from: "host 0").contains("4 questions about the past are being answered to this host"))
      #expect(await polls(from: "other").contains("16 questions about the past are being answered already"))
      open.finish()
      await group.waitForAll()
    }
    for host in ["host 0", "other"] { #expect(await polls(from: host) == #"{"error":"answered"}"# + "\n") }
  }

  private func text(_ answer: Answer) -> String {
    if case .whole(let bytes) = answer.body { String(buffer: bytes) } else { "" }
  }

  @Test(.timeLimit(.minutes(5))) func `the page is told by its paths, and its policy lets it do what it does`() async throws {
    let served = try await WebServed(try Sample.fleet()) { $0.assets = Page.assets }
    for (path, type) in ["/": "text/html", "/page.css": "text/css", "/page.js": "text/javascript", "/icon.svg": "image/svg+xml"] {
      let answer = try await served.answer("GET \(path)")
      #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("\r\nContent-Type: \(type)"), "\(path)")
      #expect(answer.contains("script-src 'self'; style-src 'self'; img-src 'self'") && answer.contains("connect-src 'self'"))
      #expect(Array(body(of: answer).utf8) == Page.assets[path]?.bytes, "\(path)")
    }
    #expect(try await served.answer("GET /index.html").hasPrefix("HTTP/1.1 404 "))
    try await served.end()
  }
}
