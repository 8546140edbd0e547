import Testing

@testable import Supervisor

@Suite struct ErrorLinesTests {
  private func lines(_ text: String..., maxLine: Int = 10, maxTotal: Int = 100) -> [String] {
    var splitter = ErrorLines(maxLine: maxLine, maxTotal: maxTotal)
    var lines: [String] = []
    for part in text { splitter.feed(Array(part.utf8)[...]) { lines.append($0) } }
    splitter.finish { lines.append($0) }
    return lines
  }

  @Test func `lines are put together from what arrives`() {
    #expect(lines("on", "e\ntwo\nth", "ree") == ["one", "two", "three"])
  }

  @Test func `a long line is cut and the next one is whole`() {
    #expect(lines("0123456789abc\nnext\n") == ["0123456789", "next"])
  }

  @Test func `over the total the rest is dropped and that is said once`() {
    #expect(
      lines("12345\n", "67890\n", "more\n", "and more\n", maxTotal: 8) == [
        "12345", "67", "(more than 8 bytes of standard error: the rest is dropped)",
      ])
  }
}
