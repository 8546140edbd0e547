import Glibc

/// A control group of the first version, which only root makes: what freezes a process so that not even SIGKILL ends it, and what
/// makes fork fail.
package struct ControlGroup: ~Copyable {
  package let path: String
  /// Where this process was before it was taken anywhere.
  private let home: String

  package struct Trouble: Error {
    package var path: String
    package var errno: Int32
  }

  package static func exists(_ controller: String) -> Bool { access("\(root(controller))/cgroup.procs", W_OK) == 0 }

  package init(_ controller: String) throws {
    let root = Self.root(controller)
    home = root + Processes.controlGroup(controller)
    path = "\(root)/blupow-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    guard mkdir(path, 0o700) == 0 else { throw Trouble(path: path, errno: errno) }
  }

  private static func root(_ controller: String) -> String { "/sys/fs/cgroup/\(controller)" }

  package func set(_ name: String, to value: String) throws { try Self.write(value, to: "\(path)/\(name)") }

  package func take(_ pid: Int32) throws { try set("cgroup.procs", to: "\(pid)") }

  /// This process goes back to where it was.
  package func leave() throws { try Self.write("0", to: "\(home)/cgroup.procs") }

  /// Once it is empty.
  package func remove() { rmdir(path) }

  private static func write(_ value: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw Trouble(path: path, errno: errno) }
    defer { close(file) }
    guard Glibc.write(file, value, value.utf8.count) >= 0 else { throw Trouble(path: path, errno: errno) }
  }
}
