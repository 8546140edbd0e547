import Glibc

extension StateDirectory {
  /// SQLite's log grows to some four times as much before it is worked in; less than this is as good as nothing.
  private static let leastBytes: UInt = 1_048_576

  /// What would keep a store from being kept there, as far as that can be told without writing; `nil`: nothing. Where the directory is
  /// not there yet, whether it can be made.
  package static func trouble(at path: String) -> StoreTrouble? {
    do {
      try examine(path)
      return nil
    } catch {
      return error.trouble
    }
  }

  private static func examine(_ path: String) throws(StoreError) {
    let place = try nearest(path)
    // A read-only file system refuses root, too.
    guard access(place, W_OK | X_OK) == 0 else { throw StoreError(errno: errno, path) }
    var disk = statvfs()
    guard statvfs(place, &disk) == 0 else { throw StoreError(errno: errno, path) }
    let hasInodes = disk.f_files == 0 || disk.f_favail > 0
    guard UInt(disk.f_bavail) * disk.f_frsize >= leastBytes, hasInodes else { throw StoreError(.full, path) }
    for companion in StoreFile.companions {
      let file = StoreFile(directory: path).path + companion
      guard access(file, W_OK) == 0 || errno == ENOENT else { throw StoreError(errno: errno, file) }
    }
  }

  /// The directory itself, or what of the way to it is there.
  private static func nearest(_ path: String) throws(StoreError) -> String {
    var place = path
    while true {
      var status = stat()
      if stat(place, &status) == 0 {
        guard status.st_mode & S_IFMT == S_IFDIR else { throw StoreError(.notADirectory, place) }
        return place
      }
      guard errno == ENOENT, let slash = place.lastIndex(of: "/") else { throw StoreError(errno: errno, place) }
      place = slash == place.startIndex ? "/" : String(place[..<slash])
    }
  }
}
