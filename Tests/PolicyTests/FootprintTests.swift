import Policy
import Testing

@Suite struct FootprintTests {
  private let before = Footprint(descriptors: 30, strays: 2, isLinked: false)

  @Test func `what was there before is not left`() {
    #expect(before.leaks(before).isNone)
    #expect(before.leaks(Footprint(descriptors: 28, strays: 2, isLinked: false)).isNone)
  }

  @Test func `what is more is, and so is a link`() {
    let leaks = before.leaks(Footprint(descriptors: 34, strays: 5, isLinked: true))
    #expect(leaks == StabilityReport.Leaks(processes: 3, descriptors: 4, links: 1))
    #expect(!leaks.isNone)
  }

  @Test func `what comes and goes is not there at every look`() {
    var after = Footprint(descriptors: 40, strays: 3, isLinked: true)
    after.merge(Footprint(descriptors: 42, strays: 2, isLinked: true))
    #expect(after == Footprint(descriptors: 40, strays: 2, isLinked: true))
    after.merge(Footprint(descriptors: 30, strays: 3, isLinked: false))
    after.merge(Footprint(descriptors: 33, strays: 3, isLinked: true))
    #expect(after == Footprint(descriptors: 30, strays: 2, isLinked: false), "the link was gone for a moment")
  }

  @Test func `a look that says nothing changes nothing, and what nobody knows is not zero`() {
    var after = before
    after.merge(Footprint())
    #expect(after == before)
    let unknown = before.leaks(Footprint())
    #expect(unknown == StabilityReport.Leaks(processes: nil, descriptors: nil, links: nil))
    #expect(unknown.isNone)
  }
}
