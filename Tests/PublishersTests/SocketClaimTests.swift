import Glibc
import Rig
import Testing

@testable import Publishers

@Suite struct SocketClaimTests {
  /// A place in a directory that is removed when the test is over.
  private func withPlace(isGiven: Bool = false, _ body: (SocketPath) throws -> Void) throws {
    let directory = try Served.makeDirectory()
    defer { Served.remove(directory) }
    try body(try SocketPath(directory: "\(directory)/blupow", isGiven: isGiven))
  }

  private func trouble(_ place: SocketPath) -> String? {
    do throws(SocketTrouble) {
      _ = try SocketClaim.make(place)
      return nil
    } catch {
      return error.description
    }
  }

  /// What a service that was killed leaves.
  static func leaveSocket(_ path: String) throws { try #require(close(bindSocket(path)) == 0 && access(path, F_OK) == 0) }

  /// A bound socket; whether somebody listens there ends with its descriptor.
  private static func bindSocket(_ path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    _ = withUnsafePointer(to: &name) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) } }
    listen(descriptor, 1)
    return descriptor
  }

  @Test func `what a killed service left is taken away`() throws {
    try withPlace { place in
      mkdir(place.directory, 0o755)
      try Self.leaveSocket(place.description)
      #expect(trouble(place) == nil)
      #expect(access(place.description, F_OK) == -1)
    }
  }

  @Test func `a socket with a listener is left alone, also one without our lock`() throws {
    try withPlace { place in
      mkdir(place.directory, 0o755)
      let listener = Self.bindSocket(place.description)
      #expect(trouble(place)?.hasPrefix("another blupow run already serves \(place)") == true)
      #expect(access(place.description, F_OK) == 0)
      close(listener)
    }
  }

  @Test func `a path is one claim's at a time, and free after it`() throws {
    try withPlace { place in
      do {
        let claim = try SocketClaim.make(place)
        #expect(trouble(place)?.hasPrefix("another blupow run already serves \(place)") == true)
        _ = consume claim
      }
      #expect(trouble(place) == nil)
    }
  }

  @Test func `what is no socket is in the way, and stays`() throws {
    try withPlace { place in
      mkdir(place.directory, 0o755)
      mkdir(place.description, 0o755)
      #expect(trouble(place) == "\(place) is in the way, and no socket. Remove it.")
      #expect(access(place.description, F_OK) == 0)
    }
  }

  @Test func `a directory that is none, or cannot be made, is named`() throws {
    try withPlace { place in
      symlink("/tmp", place.directory)
      #expect(
        trouble(place)
          == "\(place.directory) is not a directory of this service's user. Remove it, or name another XDG_RUNTIME_DIR.")
      let nowhere = try SocketPath(directory: "/proc/nowhere/blupow")
      #expect(
        trouble(nowhere)
          == "/proc/nowhere/blupow, the directory for the service's socket, cannot be made: No such file or directory.")
      let given = try SocketPath(directory: "/proc/nowhere", isGiven: true)
      #expect(
        trouble(given)
          == "/proc/nowhere/blupow.sock.lock cannot be made: No such file or directory. The directory must be this service's own and writable."
      )
    }
  }

  @Test func `a directory that a worker made for its locks alone is opened; one that systemd made stays as it is`() throws {
    for (isGiven, mode) in [(false, mode_t(0o755)), (true, 0o700)] {
      try withPlace(isGiven: isGiven) { place in
        mkdir(place.directory, 0o700)
        #expect(trouble(place) == nil)
        var status = stat()
        #expect(lstat(place.directory, &status) == 0 && status.st_mode & 0o777 == mode)
      }
    }
  }
}
