import Testing

@testable import Publishers

@Suite struct LoginSessionsTests {
  private let start = ContinuousClock.now

  @Test func `each is of its own word, for thirty days`() {
    var sessions = LoginSessions()
    let (one, other) = (sessions.open(at: start), sessions.open(at: start + .seconds(1)))
    #expect(one != other && one.count == 64 && one.allSatisfy(\.isHexDigit))
    #expect(sessions.isOpen(one, at: start + .seconds(30 * 86_400 - 1)))
    #expect(!sessions.isOpen(one, at: start + .seconds(30 * 86_400)))
    #expect(!sessions.isOpen("", at: start) && !sessions.isOpen(String(one.dropLast()), at: start))
  }

  @Test func `of more than are kept the oldest ends`() {
    var sessions = LoginSessions()
    let words = (0..<65).map { sessions.open(at: start + .seconds($0)) }
    #expect(words.map { sessions.isOpen($0, at: start + .seconds(70)) } == [false] + Array(repeating: true, count: 64))
  }
}
