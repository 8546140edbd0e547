import Policy
import Testing

@Suite struct SpreadTests {
  @Test func `of nothing there is none`() { #expect(Spread([]) == nil) }

  @Test func `percentiles are numbers that were there, by nearest rank`() throws {
    let ten = try #require(Spread([900, 100, 200, 300, 400, 500, 600, 700, 800, 1000]))
    #expect(ten.mean == 550 && ten.p50 == 500 && ten.p95 == 1000)
    let hundred = try #require(Spread((1...100).map { Double($0) }))
    #expect(hundred.mean == 50.5 && hundred.p50 == 50 && hundred.p95 == 95)
    let one = try #require(Spread([412]))
    #expect(one.mean == 412 && one.p50 == 412 && one.p95 == 412)
  }
}
