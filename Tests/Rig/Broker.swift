import Glibc
import Supervisor

/// A real mosquitto on loopback, in a directory of its own.
package final class Broker: Sendable {
  package let directory: String
  package let port: Int
  private let config: String
  private let running = Running()

  private actor Running {
    var child: Child?
    var hearing: Task<Void, Never>?

    func set(_ child: Child?, _ hearing: Task<Void, Never>?) { (self.child, self.hearing) = (child, hearing) }
  }

  package struct Trouble: Error, CustomStringConvertible {
    package var description: String
  }

  /// - Parameters:
  ///   - settings: lines of its configuration, in which `DIR` is its directory.
  ///   - files: further files in its directory, by name.
  ///   - isStarted: `false`: `start` does it.
  package init(_ settings: String = "allow_anonymous true", files: [String: String] = [:], isStarted: Bool = true) async throws {
    var template = Array("/tmp/blupow-broker-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Trouble(description: "no directory in /tmp") }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // It gives up root otherwise, and then cannot write here.
    chmod(directory, 0o755)
    port = try Self.freePort()
    for (name, text) in files { try Self.write(text, to: "\(directory)/\(name)") }
    config = "\(directory)/mosquitto.conf"
    let user = getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "root"
    try Self.write(
      """
      user \(user)
      persistence true
      persistence_location \(directory)/
      autosave_interval 1
      autosave_on_changes true
      listener \(port) 127.0.0.1
      \(settings.contains("max_queued_messages") ? "" : "max_queued_messages 100000")
      \(settings.replacing("DIR", with: directory))

      """, to: config)
    if isStarted { try await start() }
  }

  /// Starts it, and waits until it listens.
  package func start() async throws {
    let child = try await Spawner.shared.start(
      Command(path: "/usr/sbin/mosquitto", arguments: ["-c", config], environment: ["PATH": "/usr/bin:/bin"]),
      limits: .command, deadline: nil)
    let hearing = Task { for await _ in child.output {} }
    await running.set(child, hearing)
    for _ in 0..<1000 {
      if Self.listens(port) { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw Trouble(description: "mosquitto does not listen at \(port)")
  }

  /// One that is to stop it has stopped it.
  package func signal(_ signal: Int32) async {
    guard let child = await running.child else { return }
    if signal == SIGSTOP { await child.freeze() } else { child.kill(signal) }
  }

  /// Ends it by that signal, and waits for its end.
  package func end(by signal: Int32 = SIGTERM) async {
    await self.signal(SIGCONT)
    await self.signal(signal)
    await running.hearing?.value
    await running.set(nil, nil)
  }

  /// Ends it, and takes its directory away.
  package func leave() async {
    await end(by: SIGKILL)
    guard let folder = opendir(directory) else { return }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      unlink("\(directory)/\(name)")
    }
    closedir(folder)
    rmdir(directory)
  }

  /// Runs a program to its end; its exit code.
  package static func run(_ program: String, _ arguments: [String]) async throws -> Int32? {
    let child = try await Spawner.shared.start(
      Command(path: program, arguments: arguments, environment: ["PATH": "/usr/bin:/bin"]), limits: .command,
      deadline: .seconds(120))
    for await event in child.output {
      if case .ended(let ending) = event, case .exited(let code) = ending.cause { return code }
    }
    return nil
  }

  /// Publishes by another program.
  package func publish(_ topic: String, _ payload: String, retained: Bool = false) async throws {
    let arguments = ["-h", "127.0.0.1", "-p", "\(port)", "-q", "1", "-t", topic] + (retained ? ["-r"] : [])
    guard try await Self.run("/usr/bin/mosquitto_pub", arguments + (payload.isEmpty ? ["-n"] : ["-m", payload])) == 0 else {
      throw Trouble(description: "mosquitto_pub could not publish")
    }
  }

  /// One that nobody has just now. Another may take it before it is used; then starting fails, loudly.
  package static func freePort() throws -> Int {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard isBound else { throw Trouble(description: "no free port") }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  private static func listens(_ port: Int) -> Bool {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = loopback(port)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  private static func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw Trouble(description: "\(path) cannot be written") }
    defer { close(file) }
    let bytes = Array(text.utf8)
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw Trouble(description: "\(path) is not whole") }
  }
}
