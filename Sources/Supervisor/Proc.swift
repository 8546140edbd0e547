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

  /// How many descriptors this process has open; `nil` where /proc does not tell.
  static var openDescriptors: Int? {
    // Looking takes one.
    numbers(in: "/proc/self/fd").map { $0.count - 1 }
  }

  /// The entries of a directory that are numbers; `nil` where it cannot be opened.
  static func numbers(in path: String) -> [Int32]? { Directory.names(in: path)?.compactMap { Int32($0) } }
}
