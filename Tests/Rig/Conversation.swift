import Glibc

/// A raw connection to a unix socket, or to a port of this host's: any bytes, at any pace.
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

  /// - Parameters:
  ///   - isSix: at `::1` instead of `127.0.0.1`.
  ///   - source: an address of the loopback to come from; `nil`: 127.0.0.1.
  ///   - receiving: how much the kernel takes that is not read here; `nil`: as it likes.
  ///   - waits: until it is connected, which takes as long as the other side likes.
  package init(port: Int, isSix: Bool = false, from source: String? = nil, receiving: Int32? = nil, waits: Bool = true) throws {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | (waits ? 0 : Int32(SOCK_NONBLOCK.rawValue))
    descriptor = socket(isSix ? AF_INET6 : AF_INET, kind, 0)
    if var size = receiving { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
    var six = sockaddr_in6()
    (six.sin6_family, six.sin6_port, six.sin6_addr) = (sa_family_t(AF_INET6), UInt16(port).bigEndian, in6addr_loopback)
    var four = Broker.loopback(port)
    typealias Call = (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    func reach<Name>(_ name: inout Name, by call: Call = { connect($0, $1, $2) }) -> Int32 {
      withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(descriptor, $0, socklen_t(MemoryLayout<Name>.size)) }
      }
    }
    if let source {
      var own = Broker.loopback(0)
      guard inet_pton(AF_INET, source, &own.sin_addr) == 1, reach(&own, by: { bind($0, $1, $2) }) == 0 else {
        throw Trouble(description: "There is no coming from \(source): \(String(cString: strerror(errno)))")
      }
    }
    guard (isSix ? reach(&six) : reach(&four)) == 0 || (!waits && errno == EINPROGRESS) else {
      throw Trouble(description: "Nobody listens at port \(port): \(String(cString: strerror(errno)))")
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

  /// Goes as one whose host has died: without a word, and what is unread is thrown away.
  package func abort() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Takes a little of what has come, if anything has.
  package func sip() {
    var bytes = [UInt8](repeating: 0, count: 256)
    _ = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
  }

  /// Waits until there is something to read. It is not read.
  package func untilHeard() async throws {
    var polled = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    while poll(&polled, 1, 0) == 0 { try await Task.sleep(for: .milliseconds(2)) }
  }

  /// What has come so far, once it is as wanted; `nil` where the other side closed before.
  package func heard(until isWanted: (String) -> Bool) async throws -> String? {
    var heard: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        heard += chunk[..<count]
      } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
        return nil
      } else {
        let text = String(decoding: heard, as: UTF8.self)
        if isWanted(text) { return text }
        try await Task.sleep(for: .milliseconds(2))
      }
    }
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
