import Policy
import Testing

@Suite struct TrendTests {
  private func series(_ values: [Double]) -> Trend? {
    Trend(values.enumerated().map { Trend.Point($0.offset + 1, $0.element) })
  }

  @Test func `of three points nothing is said`() {
    #expect(series([8000, 11_000, 18_000]) == nil)
    #expect(series([8000, 11_000, 18_000, 20_000]) != nil)
  }

  @Test func `polls that take longer and longer are a trend from the fourth on`() throws {
    // 8, 11, 18, 20 s: how BluPow's predecessor went down.
    let trend = try #require(series([8000, 11_000, 18_000, 20_000]))
    #expect(trend.score == 6)
    #expect(abs(trend.z - 1.6984) < 0.0001)
    #expect(trend.isSignificantlyUpward)
    // The pairs' slopes: 2000, 3000, 4000, 4500, 5000, 7000 a poll.
    #expect(trend.slope == 4250)
    #expect(trend.rise == 12_750)
  }

  @Test func `one pair out of order is no trend of four, and one of five`() throws {
    #expect(try !#require(series([10, 15, 14, 20])).isSignificantlyUpward)
    let five = try #require(series([1, 2, 3, 5, 4]))
    #expect(five.score == 8 && five.isSignificantlyUpward)
  }

  @Test func `equal values are in no order`() throws {
    let same = try #require(series([400, 400, 400, 400, 400]))
    #expect(same.score == 0 && same.z == 0 && same.slope == 0)
    // Seven pairs of ten rise, none falls; the variance without three equal ones is 13.
    let some = try #require(series([1, 1, 1, 2, 3]))
    #expect(some.score == 7)
    #expect(abs(some.z - 1.6641) < 0.0001)
  }

  @Test func `what falls is not upward`() throws {
    let falling = try #require(series([20, 18, 11, 8, 5, 2]))
    #expect(falling.score == -15 && falling.z < -1.645 && falling.slope < 0 && !falling.isSignificantlyUpward)
  }

  @Test func `runs that failed are steps without a value`() throws {
    let points = [(1, 400.0), (2, 390), (4, 1200), (5, 1300), (7, 1250), (8, 2100)].map { Trend.Point($0.0, $0.1) }
    let trend = try #require(Trend(points))
    #expect(trend.score == 11)
    #expect(trend.slope == 225)
    #expect(trend.rise == 1575)
  }

  /// Every order that so many different values can come in is as likely as any other where there is no trend.
  @Test(arguments: 4...7) func `without a trend one is seen in at most a twentieth of all orders`(count: Int) throws {
    var (orders, alarms) = (0, 0)
    func permute(_ taken: [Double], _ rest: [Double]) throws {
      guard !rest.isEmpty else {
        orders += 1
        if try #require(series(taken)).isSignificantlyUpward { alarms += 1 }
        return
      }
      for index in rest.indices {
        var others = rest
        try permute(taken + [others.remove(at: index)], others)
      }
    }
    try permute([], (0..<count).map { Double($0) })
    #expect(alarms > 0 && alarms * 20 <= orders, "\(alarms) of \(orders)")
  }
}
