import CLinux
import Glibc

/// The processes of this host, as /proc has them.
package enum ProcessTable {
  /// Living (not zombie) processes that were started as `program`, children of `parent` where that is given.
  package static func running(_ program: String, under parent: Int32? = nil) -> [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard let pid = Int32(name), let stat = read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { continue }
      let fields = stat[stat.index(after: close)...].split(separator: " ")
      guard fields.count > 1, fields[0] != "Z", parent.map({ fields[1] == "\($0)" }) ?? true else { continue }
      let command = read("/proc/\(pid)/cmdline")?.split(separator: "\0").first.map(String.init) ?? ""
      if command.hasSuffix("/\(program)") || command == program { found.append(pid) }
    }
    return found
  }

  /// KiB; `nil` once it has ended.
  package static func peakMemory(of pid: Int32) -> Int? {
    guard let line = read("/proc/\(pid)/status")?.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) else {
      return nil
    }
    return line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) }
  }

  /// Of a process with all its threads, what it has used so far; `nil` once it is gone.
  package static func usage(of pid: Int32) -> (cpu: Duration, residentKiB: Int)? {
    guard let stat = read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 21, let user = Int(fields[11]), let system = Int(fields[12]), let pages = Int(fields[21]) else {
      return nil
    }
    // In ticks of 10 ms and pages of 4 KiB, as on every machine that this runs on.
    return (.milliseconds((user + system) * 10), pages * 4)
  }

  /// R, S, D, T, Z ...; `nil` once it is gone.
  package static func state(of pid: Int32) -> String? {
    guard let stat = read("/proc/\(pid)/stat"), let close = stat.lastIndex(of: ")") else { return nil }
    return stat[stat.index(after: close)...].split(separator: " ").first.map(String.init)
  }

  /// Whether it has come so far as to have a handler for SIGTERM.
  package static func catchesTermination(_ pid: Int32) -> Bool {
    guard let line = read("/proc/\(pid)/status")?.split(separator: "\n").first(where: { $0.hasPrefix("SigCgt:") }),
      let mask = line.split(whereSeparator: { " \t".contains($0) }).last.flatMap({ UInt64($0, radix: 16) })
    else { return false }
    return mask & (1 << UInt64(SIGTERM - 1)) != 0
  }

  private static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = Glibc.read(file, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }

  /// Waits until `pid` has ended, for at most `limit`; how long it took, or nil. A test's way to see an end that nobody reports.
  package static func end(of pid: Int32, within limit: Duration) async throws -> Duration? {
    let start = ContinuousClock.now
    let descriptor = blupow_pidfd_open(pid)
    guard descriptor >= 0 else { return .zero }
    defer { close(descriptor) }
    while start.duration(to: .now) < limit {
      var polled = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      if poll(&polled, 1, 0) > 0 { return start.duration(to: .now) }
      try await Task.sleep(for: .milliseconds(5))
    }
    return nil
  }
}
