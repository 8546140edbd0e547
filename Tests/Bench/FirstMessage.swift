import Glibc
import Rig
import Supervisor

/// A bus that knows just enough of the authentication to see a worker's first message come.
enum FirstMessage {
  static func measure(worker: String) async throws -> Duration {
    let path = "/tmp/blupow-bench-\(getpid())"
    unlink(path)
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 1) == 0
      }
    }
    guard bound else { throw SpawnFailure(path: path, errno: errno) }
    defer {
      close(listener)
      unlink(path)
    }
    let start = ContinuousClock.now
    let child = try await Spawner.shared.start(
      Command(path: worker, arguments: ["probe"], environment: ["DBUS_SYSTEM_BUS_ADDRESS": "unix:path=\(path)"]),
      limits: .worker, deadline: .seconds(10))
    let peer = accept(listener, nil, nil)
    defer {
      close(peer)
      child.kill(SIGKILL)
    }
    var heard: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    var answered = 0
    while true {
      let count = read(peer, &chunk, chunk.count)
      guard count > 0 else { throw SpawnFailure(path: worker, errno: errno) }
      heard += chunk[..<count]
      let text = String(decoding: heard, as: UTF8.self)
      if answered == 0, text.contains("AUTH EXTERNAL") {
        say("OK 0123456789abcdef0123456789abcdef\r\n", to: peer)
        answered = 1
      }
      if answered == 1, text.contains("NEGOTIATE_UNIX_FD") {
        say("AGREE_UNIX_FD\r\n", to: peer)
        answered = 2
      }
      if text.contains("BEGIN\r\n"), !text.hasSuffix("BEGIN\r\n") { return start.duration(to: .now) }
    }
  }

  private static func say(_ text: String, to peer: Int32) { _ = write(peer, text, text.utf8.count) }
}
