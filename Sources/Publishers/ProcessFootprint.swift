import CLinux
import FoundationEssentials
import Glibc

/// What this process takes of its host, as `/proc` says it: a few reads, no more.
struct ProcessFootprint {
  /// In seconds, of all its threads; not of its workers.
  var cpu: Double?
  var residentBytes: Double?
  var virtualBytes: Double?
  var descriptors: Int?
  var maxDescriptors: Double?
  /// In seconds since 1970, by the host's clock.
  var startedAt: Double?

  /// By the clock as it was when this was first asked: one that is set is no other start.
  private static let started: Double? = {
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    guard words.count > 18, ticks > 0 else { return nil }
    let age = Double(blupow_boot_time()) / 1e9 - words[18] / ticks
    return ((Date().timeIntervalSince1970 - age) * 100).rounded() / 100
  }()

  /// Of `/proc/self/stat`, behind the name, which may hold anything.
  private static var words: [Double] {
    read("/proc/self/stat")?.split(separator: ")").last?.split(separator: " ").compactMap { Double($0) } ?? []
  }

  init() {
    let words = Self.words
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    if words.count > 20, ticks > 0 {
      // The first word is a letter and not among them: utime is the 14th of all (proc(5)), and the 11th here.
      cpu = (words[10] + words[11]) / ticks
      virtualBytes = words[19]
      residentBytes = words[20] * Double(sysconf(Int32(_SC_PAGESIZE)))
    }
    startedAt = Self.started
    descriptors = Self.entries("/proc/self/fd")
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 { maxDescriptors = Double(limit.rlim_cur) }
  }

  private static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(file, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }

  private static func entries(_ path: String) -> Int? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // But for `.`, `..`, and the one that it is read by.
    return max(0, count - 3)
  }
}
