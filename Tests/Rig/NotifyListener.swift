import Glibc

/// A service manager's end of its notification socket, as a service under test finds it.
package final class NotifyListener: Sendable {
  package struct Trouble: Error {
    package var errno: Int32
  }

  /// For `NOTIFY_SOCKET`.
  package let name: String
  private let descriptor: Int32

  /// - Parameter name: a path, or `@` and an abstract name.
  package init(_ name: String) throws {
    self.name = name
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Trouble(errno: errno) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let isAbstract = name.hasPrefix("@")
    let bytes: [UInt8] = isAbstract ? [0] + name.utf8.dropFirst() : name.utf8 + [0]
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard bound == 0 else { throw Trouble(errno: errno) }
  }

  deinit {
    close(descriptor)
    if name.hasPrefix("/") { unlink(name) }
  }

  /// A name that nobody else has.
  package static var freeName: String { "@blupow-test-\(getpid())-\(UInt32.random(in: 0 ... .max))" }

  /// The next datagram's lines; `nil`: none came in time.
  package func next(within limit: Duration = .seconds(120)) async throws -> [String]? {
    let end = ContinuousClock.now + limit
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count >= 0 { return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init) }
      guard errno == EAGAIN || errno == EINTR else { throw Trouble(errno: errno) }
      guard ContinuousClock.now < end else { return nil }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// The next datagram that is wanted; those before it are dropped.
  package func next(
    within limit: Duration = .seconds(120), where isWanted: ([String]) -> Bool
  ) async throws -> [String]? {
    let end = ContinuousClock.now + limit
    while let lines = try await next(within: end - .now) { if isWanted(lines) { return lines } }
    return nil
  }

  /// Returns when this datagram has not come for so long, as a manager's watchdog finds it; throws where it comes on and on.
  package func silence(of line: String, for length: Duration, within limit: Duration = .seconds(40)) async throws {
    let end = ContinuousClock.now + limit
    while try await next(within: length, where: { $0 == [line] }) != nil {
      guard ContinuousClock.now < end else { throw NoSilence(line: line) }
    }
  }

  package struct NoSilence: Error {
    package var line: String
  }

  /// What has come and was not read.
  package func drain() async throws { while try await next(within: .zero) != nil {} }
}
