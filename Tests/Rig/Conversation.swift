import Glibc

/// A raw connection to a unix socket: any bytes, at any pace.
package final class Conversation: Sendable {
  private let descriptor: Int32

  package struct Trouble: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }

  package init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let connected = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    // What is thrown from here on ends in `deinit`: all properties are there.
    guard connected == 0 else {
      throw Trouble(description: "Nobody listens at \(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }

  /// Whether all of it was taken.
  @discardableResult package func say(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
  }

  /// Nothing more will be said.
  package func fallSilent() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Waits until there is something to read. It is not read.
  package func untilHeard() async throws {
    var polled = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    while poll(&polled, 1, 0) == 0 { try await Task.sleep(for: .milliseconds(2)) }
  }

  /// All that comes until the other side closes; `nil` where it has not closed by then.
  package func rest(within limit: Duration = .seconds(120)) async throws -> String? {
    let start = ContinuousClock.now
    var heard: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while start.duration(to: .now) < limit {
      let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        heard += chunk[..<count]
      } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
        return String(decoding: heard, as: UTF8.self)
      } else {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    return nil
  }
}
