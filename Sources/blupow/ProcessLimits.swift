import Foundation
import Glibc

/// How much this process, and the workers that it starts, may have.
struct ProcessLimits: Equatable, Sendable {
  /// Processes, of which threads count as such, that may be added.
  struct Room: Equatable, Sendable {
    var left: Int
    var limit: Int
    /// What sets it, for people.
    var by: String
  }

  var descriptors: UInt64
  /// The narrowest; `nil`: none limits them.
  var room: Room?

  /// A service has its own two dozen, 64 clients at most, and a few for each worker.
  static let leastDescriptors: UInt64 = 256
  /// A service's own threads, and its workers.
  static let leastRoom = 32

  static func ofThisProcess() -> ProcessLimits {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let rooms = [roomOfUser(), roomOfControlGroup()].compactMap(\.self)
    return ProcessLimits(descriptors: UInt64(limit.rlim_cur), room: rooms.min { $0.left < $1.left })
  }

  /// RLIMIT_NPROC, by what this user has already; root is not held to it.
  private static func roomOfUser() -> Room? {
    var limit = rlimit()
    guard geteuid() != 0, getrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &limit) == 0, limit.rlim_cur < 1 << 22
    else { return nil }
    let count = Int(limit.rlim_cur)
    return Room(left: count - threadsOfUser(), limit: count, by: "`ulimit -u`")
  }

  private static func threadsOfUser() -> Int {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.filter { Int32($0) != nil }.reduce(0) { sum, process in
      guard let status = text("/proc/\(process)/status") else { return sum }
      let lines = status.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
      let isOurs = lines.contains { $0.first == "Uid:" && $0.dropFirst().first.map(String.init) == "\(getuid())" }
      let threads = lines.first { $0.first == "Threads:" }?.last.flatMap { Int($0) }
      return isOurs ? sum + (threads ?? 1) : sum
    }
  }

  /// `pids.max` of this process's control group and of those above it, of either version.
  private static func roomOfControlGroup() -> Room? {
    let lines = text("/proc/self/cgroup")?.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 2) } ?? []
    var rooms: [Room] = []
    for line in lines where line.count >= 2 {
      // The second version's line has nothing between its colons.
      let isFirst = line.count == 3
      guard !isFirst || line[1] == "pids" else { continue }
      let root = isFirst ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup"
      var path = String(line[line.count - 1])
      while true {
        let folder = "\(root)\(path == "/" ? "" : path)"
        if let limit = number("\(folder)/pids.max"), let used = number("\(folder)/pids.current") {
          rooms.append(Room(left: limit - used, limit: limit, by: "\(folder)/pids.max"))
        }
        guard path.count > 1, let slash = path.lastIndex(of: "/") else { break }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
      }
    }
    return rooms.min { $0.left < $1.left }
  }

  private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  private static func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }
}
