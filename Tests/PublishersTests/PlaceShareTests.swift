import Testing

@testable import Publishers

@Suite struct PlaceShareTests {
  @Test func `each place has its own share, and what is given back can be taken again`() {
    let share = PlaceShare(most: 2)
    #expect(share.take("a") && share.take("a") && !share.take("a"))
    #expect(share.take("b"))
    share.giveBack("a")
    #expect(share.take("a") && !share.take("a"))
  }
}
