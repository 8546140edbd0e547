import Testing

@testable import Publishers

@Suite struct ClientPlaceTests {
  @Test func `of IPv6 a network is one place, however an address of it is written`() {
    let one = ClientPlace(address: "fe80::1:2:3:4%eth0")
    #expect(["fe80::1", "fe80::ffff:2:3:4", "FE80:0:0:0:1:2:3:4"].allSatisfy { ClientPlace(address: $0) == one })
    #expect(one.kind == "IPv6 network (/64)" && ClientPlace(address: "10.0.0.1").kind == "host")
    #expect(ClientPlace(address: "2001:db8::1") != ClientPlace(address: "2001:db8:0:1::1"))
  }

  @Test func `of IPv4 each host is one, also where it comes through a socket of IPv6`() {
    #expect(ClientPlace(address: "10.0.0.1") != ClientPlace(address: "10.0.0.2"))
    #expect(ClientPlace(address: "::ffff:10.0.0.1") != ClientPlace(address: "::ffff:10.0.0.2"))
  }
}
