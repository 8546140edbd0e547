import Testing

@testable import Publishers

@Suite struct GuessLimitTests {
  private let start = ContinuousClock.now

  @Test func `a few wrong ones are taken at once, then one in ten seconds`() {
    var limit = GuessLimit()
    for _ in 1...5 {
      #expect(limit.allows("10.0.0.1", at: start))
      limit.noteWrong("10.0.0.1", at: start)
    }
    #expect(!limit.allows("10.0.0.1", at: start + .seconds(9.9)))
    #expect(limit.allows("10.0.0.1", at: start + .seconds(10)))
    limit.noteWrong("10.0.0.1", at: start + .seconds(10))
    #expect(!limit.allows("10.0.0.1", at: start + .seconds(19.9)))
    #expect(limit.allows("10.0.0.2", at: start), "another place is not held up")
    // After a while all is forgiven.
    for second in 0..<5 {
      let later = start + .seconds(1000 + second)
      #expect(limit.allows("10.0.0.1", at: later))
      limit.noteWrong("10.0.0.1", at: later)
    }
  }

  @Test func `of IPv6 a network is one place, however an address of it is written`() {
    let one = GuessLimit.place(of: "fe80::1:2:3:4%eth0")
    #expect(["fe80::1", "fe80::ffff:2:3:4", "FE80:0:0:0:1:2:3:4"].allSatisfy { GuessLimit.place(of: $0) == one })
    #expect(GuessLimit.place(of: "2001:db8::1") != GuessLimit.place(of: "2001:db8:0:1::1"))
    #expect(GuessLimit.place(of: "10.0.0.1") != GuessLimit.place(of: "10.0.0.2"))
    #expect(GuessLimit.place(of: "::ffff:10.0.0.1") != GuessLimit.place(of: "::ffff:10.0.0.2"))
  }

  @Test func `of more places than it remembers the least guilty is forgotten`() {
    var limit = GuessLimit()
    for _ in 1...5 { limit.noteWrong("guilty", at: start) }
    for number in 1...1000 { limit.noteWrong("\(number)", at: start) }
    #expect(!limit.allows("guilty", at: start))
    #expect(Mirror(reflecting: limit).children.contains { ($0.value as? [String: ContinuousClock.Instant])?.count == 256 })
  }
}
