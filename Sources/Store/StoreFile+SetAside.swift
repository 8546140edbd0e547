import Glibc

/// A file that is not believed is kept out of the way, for whoever wants to look into it.
extension StoreFile {
  /// How many are kept.
  static let maxSetAside = 3
  private var prefix: String { "\(name).set-aside-" }

  /// Renames the database and what belongs to it, and removes the oldest of those set aside before.
  ///
  /// - Returns: the database's new path; `nil`: it is not there.
  func setAside() throws(StoreError) -> String? {
    guard exists(path) else {
      for companion in Self.companions { unlink(path + companion) }
      return nil
    }
    // Each has a second of its own, and several within one keep their order.
    let now = time(nil)
    let taken = (now...now + 60).last { second in
      Self.companions.contains { exists(path(setAsideAt: second) + $0) }
    }
    let second = taken.map { $0 + 1 } ?? now
    let target = path(setAsideAt: second)
    for companion in Self.companions where rename(path + companion, target + companion) != 0 && errno != ENOENT {
      throw StoreError(errno: errno, path + companion)
    }
    // The clock may have been wrong then or now: the one just made stays, whatever its name says.
    let earlier = allSetAside().filter { $0 != target }
    for old in earlier.dropLast(Self.maxSetAside - 1) {
      for companion in Self.companions { unlink(old + companion) }
    }
    return target
  }

  /// Paths of the databases that were set aside, oldest first.
  private func allSetAside() -> [String] {
    guard let entries = opendir(directory) else { return [] }
    defer { closedir(entries) }
    var found: [String] = []
    while let entry = readdir(entries) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      // Neither companions nor a person's own copies.
      if name.hasPrefix(prefix), name.wholeMatch(of: /.*-\d{8}T\d{6}Z/) != nil { found.append("\(directory)/\(name)") }
    }
    return found.sorted()
  }

  private func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private func path(setAsideAt second: time_t) -> String {
    var second = second
    var utc = tm()
    gmtime_r(&second, &utc)
    func digits(_ number: Int32, _ count: Int = 2) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let day = digits(utc.tm_year + 1900, 4) + digits(utc.tm_mon + 1) + digits(utc.tm_mday)
    return "\(directory)/\(prefix)\(day)T\(digits(utc.tm_hour))\(digits(utc.tm_min))\(digits(utc.tm_sec))Z"
  }
}
