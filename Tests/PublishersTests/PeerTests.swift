import Testing

@testable import Publishers

@Suite struct PeerTests {
  @Test(
    arguments: [
      (Peer(user: 985, group: 985), true), (Peer(user: 0, group: 0), true), (Peer(user: 65_534, group: 985), true),
      (Peer(user: 65_534, group: 65_534), false), (Peer(user: 4_000_000_000, group: 4_000_000_000), false),
    ])
  func `a poll is for the service's user, root, and its group`(peer: Peer, may: Bool) {
    #expect(peer.mayAsk(user: 985, group: 985) == may)
  }

  @Test func `a group's member is one by the host's own lists, whatever group the process runs as`() {
    // Debian's: daemon (1) is a member of its own group, nobody of nogroup alone.
    #expect(Peer(user: 1, group: 65_534).mayAsk(user: 985, group: 1))
    #expect(!Peer(user: 65_534, group: 65_534).mayAsk(user: 985, group: 1))
  }
}
