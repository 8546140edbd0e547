import Testing

@testable import Publishers

@Suite struct PlaceShareTests {
  @Test func `each place has its own share, and what is given back can be taken again`() {
    let one = ClientPlace(address: "10.0.0.1")
    let other = ClientPlace(address: "10.0.0.2")
    let share = PlaceShare(most: 2)
    #expect(share.take(one) && share.take(one) && !share.take(one))
    #expect(share.take(other))
    share.giveBack(one)
    #expect(share.take(one) && !share.take(one))
  }
}
