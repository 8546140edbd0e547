import Readings
import Testing

struct LineSplitterTests {
  /// Everything that one stream, cut into chunks, gives.
  private struct Outcome: Equatable {
    var lines: [String] = []
    var overflow: LineSplitter.Overflow?
    var remainder = ""
  }

  private func split(_ chunks: [[UInt8]], maxLine: Int = 1000, maxTotal: Int = 10_000) -> Outcome {
    var splitter = LineSplitter(maxLine: maxLine, maxTotal: maxTotal)
    var outcome = Outcome()
    for chunk in chunks where outcome.overflow == nil {
      do throws(LineSplitter.Overflow) {
        try splitter.feed(chunk) { outcome.lines.append(String(decoding: $0, as: UTF8.self)) }
      } catch {
        outcome.overflow = error
      }
    }
    outcome.remainder = String(decoding: splitter.remainder, as: UTF8.self)
    return outcome
  }

  private func split(_ chunks: String..., maxLine: Int = 1000, maxTotal: Int = 10_000) -> Outcome {
    split(chunks.map { Array($0.utf8) }, maxLine: maxLine, maxTotal: maxTotal)
  }

  @Test func `lines come out without their newlines, empty ones too`() {
    #expect(split("one\n\ntwo\n") == Outcome(lines: ["one", "", "two"]))
  }

  @Test func `a line may come in pieces, and a piece may hold many lines`() {
    #expect(split("o", "ne\ntwo\nthr", "", "ee\n") == Outcome(lines: ["one", "two", "three"]))
  }

  @Test func `half a line is the remainder`() {
    #expect(split("one\ntw", "o") == Outcome(lines: ["one"], remainder: "two"))
    #expect(split("one\n") == Outcome(lines: ["one"], remainder: ""))
  }

  @Test func `a line ends at a newline and nowhere else`() {
    #expect(split("a\u{2028}b\u{2029}c\u{85}d\u{0B}e\u{0C}f\rg\n").lines == ["a\u{2028}b\u{2029}c\u{85}d\u{0B}e\u{0C}f\rg"])
    #expect(split("a\r\nb\n").lines == ["a\r", "b"])
  }

  @Test func `a line of exactly the limit is one, a byte more is an overflow`() {
    #expect(split("12345\n67890\n", maxLine: 5) == Outcome(lines: ["12345", "67890"]))
    #expect(split("12345", maxLine: 5) == Outcome(remainder: "12345"))
    #expect(split("12345\n678901\n", maxLine: 5) == Outcome(lines: ["12345"], overflow: .line(limit: 5)))
    #expect(split("12345\n678901", maxLine: 5) == Outcome(lines: ["12345"], overflow: .line(limit: 5)))
  }

  @Test func `the stream may have exactly the limit, newlines included`() {
    #expect(split("1234\n1234\n", maxTotal: 10) == Outcome(lines: ["1234", "1234"]))
    #expect(split("1234\n1234\n1", maxTotal: 10) == Outcome(lines: ["1234", "1234"], overflow: .total(limit: 10)))
    #expect(split("1234\n12345\n", maxTotal: 10) == Outcome(lines: ["1234"], overflow: .total(limit: 10)))
    #expect(split("1234\n12345", maxTotal: 10) == Outcome(lines: ["1234"], remainder: "12345"))
  }

  @Test func `what was within the limits is handed out before the error, however the stream was cut`() {
    let stream = Array("1234\n123\n12345\n1\n12\n123\n".utf8)
    let whole = split([stream], maxLine: 5, maxTotal: 19)
    #expect(whole == Outcome(lines: ["1234", "123", "12345", "1"], overflow: .total(limit: 19)))
    for cut in 1..<stream.count {
      #expect(split([Array(stream[..<cut]), Array(stream[cut...])], maxLine: 5, maxTotal: 19) == whole, "cut at \(cut)")
    }
    #expect(split(stream.map { [$0] }, maxLine: 5, maxTotal: 19) == whole)
  }

  @Test func `random chunks give the lines of the whole, and the memory stays that of one line`() {
    var state: UInt64 = 0x5EED
    func random(_ below: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % below
    }
    let lines = (0..<2000).map { _ in String(repeating: "x", count: random(61)) }
    let stream = Array((lines.joined(separator: "\n") + "\n").utf8)
    var splitter = LineSplitter(maxLine: 60, maxTotal: stream.count)
    var found: [String] = []
    var rest = stream[...]
    while !rest.isEmpty {
      let chunk = rest.prefix(1 + random(200))
      rest = rest.dropFirst(chunk.count)
      #expect(throws: Never.self) { try splitter.feed(chunk) { found.append(String(decoding: $0, as: UTF8.self)) } }
      #expect(splitter.remainder.count <= 60)
    }
    #expect(found == lines)
  }

  @Test func `an overflow keeps nothing, and is thrown again whatever comes`() {
    var splitter = LineSplitter(maxLine: 5, maxTotal: 1_000_000)
    #expect(throws: Never.self) { try splitter.feed(Array("half".utf8)) { _ in } }
    for chunk in [Array(repeating: UInt8(ascii: "x"), count: 500_000), Array("ok\n".utf8), []] {
      #expect(throws: LineSplitter.Overflow.line(limit: 5)) {
        try splitter.feed(chunk) { Issue.record("\($0.count) bytes were taken for a line") }
      }
      #expect(splitter.remainder.isEmpty)
    }
  }
}
