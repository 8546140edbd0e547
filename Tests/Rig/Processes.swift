import Glibc

/// What /proc says, for tests of what is left behind.
package enum Processes {
  /// `R`, `S`, `T`, `Z` ..., or `nil` where there is no such process.
  package static func state(of pid: Int32) -> Character? {
    // "1234 (name) S 1 ...", and the name may hold parentheses.
    guard let text = read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].first { $0 != " " }
  }

  /// Children of this process that were started as `program` with `argument` among their arguments.
  package static func children(named program: String, argument: String) -> [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      guard let pid = Int32(name(of: entry)), let stat = read("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")") else {
        continue
      }
      let parent = stat[stat.index(after: end)...].split(separator: " ").dropFirst().first
      let words = read("/proc/\(pid)/cmdline")?.split(separator: "\0").map(String.init) ?? []
      guard parent == "\(getpid())", words.first?.hasSuffix(program) == true, words.contains(argument) else { continue }
      found.append(pid)
    }
    return found
  }

  /// All children of this process, zombies too.
  package static func children() -> [Int32] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      guard let pid = Int32(name(of: entry)), let stat = read("/proc/\(pid)/stat"), let end = stat.lastIndex(of: ")"),
        stat[stat.index(after: end)...].split(separator: " ").dropFirst().first == "\(getpid())"
      else { continue }
      found.append(pid)
    }
    return found
  }

  /// Where this process is in a controller's hierarchy, e.g. "/".
  package static func controlGroup(_ controller: String) -> String {
    let line = read("/proc/self/cgroup")?.split(separator: "\n").first { $0.contains(":\(controller):") }
    return line?.split(separator: ":", maxSplits: 2).last.map(String.init) ?? "/"
  }

  /// Threads of this process, by their names.
  package static func threads() -> [String] {
    guard let directory = opendir("/proc/self/task") else { return [] }
    defer { closedir(directory) }
    var found: [String] = []
    while let entry = readdir(directory) {
      guard let comm = read("/proc/self/task/\(name(of: entry))/comm") else { continue }
      found.append(comm.filter { $0 != "\n" })
    }
    return found
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
  }

  /// Open descriptors of this process: number to what it is.
  package static func descriptors() -> [Int: String] {
    guard let directory = opendir("/proc/self/fd") else { return [:] }
    defer { closedir(directory) }
    var found: [Int: String] = [:]
    while let entry = readdir(directory) {
      guard let number = Int(name(of: entry)), number != Int(dirfd(directory)) else { continue }
      var buffer = [CChar](repeating: 0, count: 256)
      let count = readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
      found[number] = count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "?"
    }
    return found
  }

  /// Resident memory of this process, in KiB.
  package static func residentKiB() -> Int { residentKiB(of: getpid()) ?? 0 }

  /// `nil`: there is no such process.
  package static func residentKiB(of pid: Int32) -> Int? {
    let line = read("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
  }

  /// All of a small file; `nil` where it cannot be read.
  package static func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = fread(&buffer, 1, buffer.count, file)
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Waits until `pid` is no process or a zombie (which is its adopter's to reap), at most 5 s.
  package static func isGone(_ pid: Int32) async -> Bool {
    for _ in 0..<500 {
      if state(of: pid).map({ $0 == "Z" }) ?? true { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }
}
