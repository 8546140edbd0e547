import Testing

@testable import Supervisor

@Suite struct ChildMarkTests {
  private func mark(_ entries: String...) -> ChildMark? {
    ChildMark(environment: Array(entries.joined(separator: "\0").utf8) + [0], supervisor: 71)
  }

  @Test func `a mark is found again among other variables`() {
    let mark = ChildMark(supervisor: 71, child: 9)
    #expect(self.mark("LANG=C", "\(ChildMark.name)=\(mark.value)", "TZ=UTC") == mark)
  }

  @Test func `another supervisor's mark, another variable and nonsense are none`() {
    #expect(mark("BLUPOW_CHILD=7-9") == nil)
    #expect(mark("BLUPOW_CHILD=710-9") == nil)
    #expect(mark("BLUPOW_CHILDREN=71-9", "X=BLUPOW_CHILD=71-9") == nil)
    #expect(mark("BLUPOW_CHILD=71-nine") == nil)
    #expect(ChildMark(environment: [], supervisor: 71) == nil)
  }
}
