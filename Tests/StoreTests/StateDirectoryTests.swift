import Testing

@testable import Store

@Suite struct StateDirectoryTests {
  @Test(
    arguments: [
      ("/mnt/state", ["STATE_DIRECTORY": "/var/lib/x", "HOME": "/home/u"], true, "/mnt/state"),
      (nil, ["STATE_DIRECTORY": "/var/lib/x", "HOME": "/home/u"], true, "/var/lib/x"),
      (nil, ["STATE_DIRECTORY": "/var/lib/x:/var/lib/y", "HOME": "/home/u"], false, "/var/lib/x"),
      (nil, ["XDG_STATE_HOME": "/x", "HOME": "/home/u"], true, "/var/lib/blupow"),
      (nil, ["XDG_STATE_HOME": "/x", "HOME": "/home/u"], false, "/x/blupow"),
      (nil, ["XDG_STATE_HOME": "x", "STATE_DIRECTORY": "", "HOME": "/home/u"], false, "/home/u/.local/state/blupow"),
      (nil, ["HOME": ""], false, nil),
      (nil, [:], false, nil),
    ] as [(String?, [String: String], Bool, String?)])
  func `the first that says where, does`(configured: String?, environment: [String: String], isRoot: Bool, path: String?) {
    #expect(StateDirectory.path(configured: configured, environment: environment, isRoot: isRoot) == path)
  }
}
