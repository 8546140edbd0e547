import Glibc
import Rig
import Testing

@testable import Supervisor

@Suite struct KinTests {
  @Test(arguments: [
    ("12 (sleep) S 1 10 9 0 -1", Kin(pid: 12, parent: 1, group: 10, session: 9)),
    ("12 (a) b (c) Z 1 10 9 0 -1", Kin(pid: 12, parent: 1, group: 10, session: 9, hasEnded: true)),
    ("12 (R 5 5 5) D 3 10 9 0 -1", Kin(pid: 12, parent: 3, group: 10, session: 9)),
    ("", nil), ("12 (sleep) S 1 10", nil), ("x (sleep) S 1 10 9", nil),
  ])
  func `a line of stat is read whatever the program is called`(text: String, kin: Kin?) {
    #expect(Kin(stat: text) == kin)
  }

  @Test func `both ways of looking for children see the same one, and the family it is in`() async throws {
    let child = try await Spawner.shared.start(
      Command(path: Built.path("zoo"), arguments: ["hangs"], input: [10]), limits: .worker, deadline: nil)
    let pid = child.pid
    // Not every kernel has the lists.
    if let listed = Kin.listed() { #expect(listed.contains(pid)) }
    #expect(try #require(Kin.scanned()).contains(pid))
    let kin = try #require(Kin.ofThisProcess()?.first { $0.pid == pid })
    #expect(kin == Kin(pid: pid, parent: getpid(), group: pid, session: pid))
    child.stop()
    for await _ in child.output {}
    #expect(Kin.listed()?.contains(pid) != true)
    #expect(try #require(Kin.scanned()).contains(pid) == false)
  }
}
