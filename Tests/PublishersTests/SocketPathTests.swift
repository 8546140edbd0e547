import Publishers
import Testing

@Suite struct SocketPathTests {
  static let privateBus = ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/tmp/b/bus"]

  @Test(
    arguments: [
      (["RUNTIME_DIRECTORY": "/run/blupow", "XDG_RUNTIME_DIR": "/run/user/1"], true, "/run/blupow/blupow.sock"),
      (["RUNTIME_DIRECTORY": "/run/a:/run/b"], false, "/run/a/blupow.sock"),
      (["XDG_RUNTIME_DIR": "/run/user/1"], false, "/run/user/1/blupow/blupow.sock"),
      (["XDG_RUNTIME_DIR": "/run/user/1"].merging(privateBus) { $1 }, true, "/run/user/1/blupow/blupow.sock"),
      ([:], true, "/run/blupow/blupow.sock"),
      (["RUNTIME_DIRECTORY": "blupow", "XDG_RUNTIME_DIR": "user"], true, "/run/blupow/blupow.sock"),
    ])
  func `a service listens where systemd says, else in the user's place, else in the host's`(
    environment: [String: String], isRoot: Bool, path: String
  ) throws {
    #expect(try SocketPath.toServe(environment: environment, isRoot: isRoot).description == path)
  }

  @Test func `without a place the sentence says how to give it one`() {
    let missing = #expect(throws: SocketTrouble.self) { try SocketPath.toServe(environment: [:], isRoot: false) }
    #expect(
      missing?.description.hasSuffix("Set XDG_RUNTIME_DIR, or let systemd start the service with RuntimeDirectory=blupow.")
        == true)
    let elsewhere = #expect(throws: SocketTrouble.self) {
      try SocketPath.toServe(environment: Self.privateBus, isRoot: true)
    }
    #expect(elsewhere?.description.contains("on a bus of its own a service does not take the host's place") == true)
  }

  @Test(
    arguments: [
      ([:], ["/run/blupow/blupow.sock"]),
      (["XDG_RUNTIME_DIR": "/run/user/1"], ["/run/user/1/blupow/blupow.sock", "/run/blupow/blupow.sock"]),
      (
        ["XDG_RUNTIME_DIR": "/run/user/1", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/dbus/system_bus_socket"],
        ["/run/user/1/blupow/blupow.sock", "/run/blupow/blupow.sock"]
      ),
      (["XDG_RUNTIME_DIR": "/run/user/1"].merging(privateBus) { $1 }, ["/run/user/1/blupow/blupow.sock"]),
      (privateBus, []),
      (["DBUS_SYSTEM_BUS_ADDRESS": ""], ["/run/blupow/blupow.sock"]),
    ])
  func `a command looks in the user's place, then in the host's, but not there from a bus of its own`(
    environment: [String: String], paths: [String]
  ) throws {
    #expect(try SocketPath.toAsk(environment: environment).map(\.description) == paths)
  }

  @Test func `a path longer than a socket's is named with its length`() throws {
    let fits = "/" + String(repeating: "a", count: 94)
    #expect(try SocketPath(directory: fits).description.utf8.count == 107)
    let trouble = #expect(throws: SocketTrouble.self) { try SocketPath(directory: fits + "a") }
    #expect(
      trouble?.description
        == "\(fits)a/blupow.sock is too long for a socket: 108 bytes of at most 107. Name a shorter XDG_RUNTIME_DIR.")
    #expect(throws: SocketTrouble.self) { try SocketPath.toAsk(environment: ["XDG_RUNTIME_DIR": fits]) }
  }
}
