import Glibc

/// Where a service manager hears how a service does, by systemd's protocol (sd_notify(3)): one datagram, an assignment a line.
package struct NotifySocket: Equatable, Sendable, CustomStringConvertible {
  static let variable = "NOTIFY_SOCKET"
  /// For a manager that has more to read than it can hold.
  private static let patience = Duration.seconds(2)

  package let description: String
  /// As in `sun_path`: an abstract name begins with a zero, a path ends with one.
  private let name: [UInt8]

  /// `nil`: nobody wants to know.
  package static func named(by environment: [String: String]) throws(SocketTrouble) -> NotifySocket? {
    guard let text = environment[variable], !text.isEmpty else { return nil }
    return try NotifySocket(text)
  }

  init(_ text: String) throws(SocketTrouble) {
    let bytes = Array(text.utf8)
    switch bytes.first {
    case UInt8(ascii: "/"): name = bytes + [0]
    case UInt8(ascii: "@"): name = [0] + bytes.dropFirst()
    default: throw SocketTrouble("\(Self.variable)='\(text)' is neither a path nor an abstract name (@...).")
    }
    guard bytes.count > 1, name.count <= MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
      throw SocketTrouble("\(Self.variable)='\(text)' is no socket's name: it is too short or too long.")
    }
    description = text
  }

  /// Says it; `nil`, or why it was not heard.
  func say(_ assignments: [String]) async -> String? {
    let message = assignments.joined(separator: "\n")
    let end = ContinuousClock.now + Self.patience
    while true {
      let failure = send(Array(message.utf8))
      guard failure != 0 else { return nil }
      guard [EAGAIN, ENOBUFS, EINTR].contains(failure), ContinuousClock.now < end else {
        return String(cString: strerror(failure))
      }
      try? await Task.sleep(for: .milliseconds(20))
      // Somebody who is to end has no time; once more, and that is it.
      if Task.isCancelled { return send(Array(message.utf8)) == 0 ? nil : String(cString: strerror(failure)) }
    }
  }

  /// 0, or an errno. Never waits.
  private func send(_ bytes: [UInt8]) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t((MemoryLayout.offset(of: \sockaddr_un.sun_path) ?? 2) + name.count)
    let sent = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL), $0, length)
      }
    }
    return sent == bytes.count ? 0 : errno
  }
}
