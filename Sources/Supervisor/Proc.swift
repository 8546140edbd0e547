import Glibc

/// Reading /proc.
enum Proc {
  /// The first `limit` bytes of a file; `nil` where it cannot be opened.
  static func bytes(_ path: String, limit: Int = 131_072) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
        let count = read(file, buffer.baseAddress, buffer.count)
        if count > 0 { bytes += buffer[..<count] }
        return count
      }
      guard count > 0 || (count < 0 && errno == EINTR) else { break }
    }
    return bytes
  }

  static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

  /// How many descriptors this process has open, but for those that the runtime waits by, and opens for good when it likes; `nil` where
  /// /proc does not tell.
  static var openDescriptors: Int? {
    // The one that looked is closed by now, and has no link.
    numbers(in: "/proc/self/fd")?.count { number in
      link("/proc/self/fd/\(number)").map { !isOfRuntime($0) } ?? false
    }
  }

  private static func isOfRuntime(_ link: String) -> Bool {
    ["anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[timerfd]"].contains(link)
  }

  /// What a symbolic link says, its first 4096 bytes; `nil`: it is none.
  static func link(_ path: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      let count = readlink(path, start, buffer.count)
      return count < 0 ? nil : String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }

  /// The entries of a directory that are numbers; `nil` where it cannot be opened.
  static func numbers(in path: String) -> [Int32]? { Directory.names(in: path)?.compactMap { Int32($0) } }
}
