import Testing

@testable import Publishers

@Suite struct HTTPSettingsTests {
  @Test(
    arguments: [
      ("127.0.0.1:8420", "127.0.0.1", true), ("127.1.2.3:1", "127.1.2.3", true), ("[::1]:8420", "::1", true),
      ("LocalHost:8420", "127.0.0.1", true), ("0.0.0.0:8420", "0.0.0.0", false), ("[::]:8420", "::", false),
      ("192.168.1.5:65535", "192.168.1.5", false), ("[fd00::5]:80", "fd00::5", false),
      ("[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", false), ("[::ffff:192.168.1.5]:80", "::ffff:192.168.1.5", false),
    ])
  func `an address with a port is a place, and it is known whether others reach it`(text: String, host: String, isLoopback: Bool)
    throws
  {
    let settings = try #require(HTTPSettings(text))
    #expect(settings.host == host && settings.isLoopback == isLoopback)
    #expect(settings.place == text.lowercased() && settings.url == "http://\(text.lowercased())/")
  }

  @Test(
    arguments: [
      "", "8420", ":8420", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "::1:8420", "[::1]",
      "[127.0.0.1]:8420", "cabin.local:8420", "[::1]x:8420", "127.1:8420", "127.0.0.1:8420/", "[]:8420", "*:8420",
    ])
  func `what is no such place is refused`(text: String) {
    #expect(HTTPSettings(text) == nil)
  }
}
