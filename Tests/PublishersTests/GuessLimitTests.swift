import Testing

@testable import Publishers

@Suite struct GuessLimitTests {
  private let start = ContinuousClock.now
  private let one = ClientPlace(address: "10.0.0.1")
  private let other = ClientPlace(address: "10.0.0.2")

  @Test func `a few wrong ones are taken at once, then one in ten seconds`() {
    var limit = GuessLimit()
    for _ in 1...5 {
      #expect(limit.allows(one, at: start))
      limit.noteWrong(one, at: start)
    }
    #expect(!limit.allows(one, at: start + .seconds(9.9)))
    #expect(limit.allows(one, at: start + .seconds(10)))
    limit.noteWrong(one, at: start + .seconds(10))
    #expect(!limit.allows(one, at: start + .seconds(19.9)))
    #expect(limit.allows(other, at: start), "another place is not held up")
    // After a while all is forgiven.
    for second in 0..<5 {
      let later = start + .seconds(1000 + second)
      #expect(limit.allows(one, at: later))
      limit.noteWrong(one, at: later)
    }
  }

  @Test func `of more places than it remembers the least guilty is forgotten`() {
    var limit = GuessLimit()
    for _ in 1...5 { limit.noteWrong(one, at: start) }
    for number in 1...1000 { limit.noteWrong(ClientPlace(address: "\(number)"), at: start) }
    #expect(!limit.allows(one, at: start))
    #expect(Mirror(reflecting: limit).children.contains { ($0.value as? [ClientPlace: ContinuousClock.Instant])?.count == 256 })
  }
}
