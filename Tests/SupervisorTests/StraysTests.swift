import Testing

@testable import Supervisor

@Suite struct StraysTests {
  private let now = ContinuousClock.now
  /// This process is in session 5; child 20 runs; child 30 has ended, and its group was killed.
  private let family = Strays.Family(ownSession: 5, living: [20], ended: [30])

  private func kin(_ pid: Int32, group: Int32, session: Int32) -> Kin {
    Kin(pid: pid, parent: 6, group: group, session: session)
  }

  private func strays(_ kin: [Kin]) -> [Kin] {
    var strays = Strays()
    return strays.among(kin, of: family)
  }

  @Test func `what the spawner started, and what stays in a living child's session, is no stray`() {
    #expect(strays([kin(20, group: 20, session: 20), kin(21, group: 20, session: 20), kin(22, group: 22, session: 20)]) == [])
  }

  @Test func `what somebody else here started is in our own session, and no stray`() {
    #expect(strays([kin(40, group: 40, session: 5), kin(41, group: 5, session: 5)]) == [])
  }

  @Test func `the members of a group that was killed are waited for as such`() {
    #expect(strays([kin(30, group: 30, session: 30), kin(31, group: 30, session: 30)]) == [])
  }

  @Test func `another group of an ended child's session, and any other session, are strays`() {
    let kin = [kin(32, group: 32, session: 30), kin(50, group: 50, session: 50)]
    #expect(strays(kin) == kin)
  }

  @Test func `a stray is waited for one second after it was killed`() {
    var strays = Strays()
    let one = kin(50, group: 50, session: 50)
    #expect(strays.mayEnd(one, at: now))
    #expect(!strays.isKilled(one))
    strays.note(killed: one, at: now)
    #expect(strays.isKilled(one))
    #expect(strays.mayEnd(one, at: now + .milliseconds(999)))
    #expect(!strays.mayEnd(one, at: now + .seconds(1)))
    #expect(!strays.isEmpty)
  }

  @Test func `one that is gone is forgotten, and its number may be another's`() {
    var strays = Strays()
    let one = kin(50, group: 50, session: 50)
    strays.note(killed: one, at: now)
    _ = strays.among([one], of: family)
    #expect(strays.isKilled(one))
    _ = strays.among([], of: family)
    #expect(strays.isEmpty && !strays.isKilled(one))
  }
}
