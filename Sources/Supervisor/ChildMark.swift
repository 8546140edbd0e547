import Glibc

/// What a child's family carries in its environment, so that a stray can be counted to the child it came from. A family that
/// clears its environment loses it, so nothing is decided by it but where one is asked about: who else runs away is killed as well.
struct ChildMark: Equatable, Sendable {
  static let name = "BLUPOW_CHILD"

  var supervisor: Int32
  var child: UInt64

  init(supervisor: Int32 = getpid(), child: UInt64) {
    self.supervisor = supervisor
    self.child = child
  }

  var value: String { "\(supervisor)-\(child)" }

  /// From an environment as /proc/PID/environ has it. Another supervisor's mark is none.
  init?(environment: [UInt8], supervisor: Int32 = getpid()) {
    let prefix = "\(Self.name)=\(supervisor)-"
    for entry in environment.split(separator: 0) {
      let text = String(decoding: entry, as: UTF8.self)
      guard text.hasPrefix(prefix), let child = UInt64(text.dropFirst(prefix.count)) else { continue }
      self.init(supervisor: supervisor, child: child)
      return
    }
    return nil
  }

  init?(of pid: Int32) {
    guard let environment = Proc.bytes("/proc/\(pid)/environ") else { return nil }
    self.init(environment: environment)
  }
}
