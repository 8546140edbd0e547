import Glibc

/// A child of this process, as /proc/PID/stat tells of it. Where it stands in its family it cannot make up: nobody enters a session
/// that he was not born into, but for one of his own making.
struct Kin: Equatable, Sendable {
  var pid: Int32
  var parent: Int32
  var group: Int32
  var session: Int32
  /// A zombie: it has ended, and nobody has reaped it.
  var hasEnded: Bool

  init(pid: Int32, parent: Int32, group: Int32, session: Int32, hasEnded: Bool = false) {
    self.pid = pid
    self.parent = parent
    self.group = group
    self.session = session
    self.hasEnded = hasEnded
  }

  /// From `12 (a name) S 1 12 12 ...`, where the name may hold spaces and parentheses.
  init?(stat text: String) {
    guard let pid = text.prefix(while: { $0 != " " }).nonEmpty.flatMap({ Int32($0) }), let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 3, let parent = Int32(fields[1]), let group = Int32(fields[2]), let session = Int32(fields[3]) else {
      return nil
    }
    self.init(pid: pid, parent: parent, group: group, session: session, hasEnded: fields[0] == "Z" || fields[0] == "X")
  }
}

extension Kin {
  /// All children of this process, zombies too. `nil`: /proc does not tell now (it is not there, or no descriptor is free).
  static func ofThisProcess() -> [Kin]? {
    let own = getpid()
    return (listed() ?? scanned())?.compactMap { pid in
      Proc.text("/proc/\(pid)/stat").flatMap(Kin.init(stat:))
    }.filter { $0.parent == own }
  }

  /// By the kernel's lists, one a thread; only a reaped child leaves them. `nil`: a kernel that was built without
  /// CONFIG_PROC_CHILDREN.
  static func listed() -> [Int32]? {
    guard access("/proc/self/task/\(getpid())/children", R_OK) == 0 else { return nil }
    // A thread that has just ended is no error: its children are another one's by now.
    return Proc.numbers(in: "/proc/self/task")?.flatMap { thread in
      Proc.text("/proc/self/task/\(thread)/children")?.split(separator: " ").compactMap { Int32($0) } ?? []
    }
  }

  /// By a look at every process there is: a hundred times the work, on every kernel.
  static func scanned() -> [Int32]? {
    let own = getpid()
    return Proc.numbers(in: "/proc")?.filter { pid in
      Proc.text("/proc/\(pid)/stat").flatMap(Kin.init(stat:))?.parent == own
    }
  }
}

extension Substring {
  fileprivate var nonEmpty: Substring? { isEmpty ? nil : self }
}
