import Glibc

/// The kernel's switches for radios (rfkill), as it shows them in files: a folder for each, with its `name`, `soft` and `hard`.
struct RadioSwitch {
  /// Where those folders are.
  var folder = "/sys/class/rfkill"

  /// Whether the adapter's switch is off, by a program (soft) or by the machine's own (hard); `nil`: it has none.
  func isBlocked(_ adapter: String) -> Bool? {
    guard let listing = opendir(folder) else { return nil }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard word("\(name)/name") == adapter else { continue }
      return word("\(name)/soft") == "1" || word("\(name)/hard") == "1"
    }
    return nil
  }

  private func word(_ path: String) -> String? {
    let file = open("\(folder)/\(path)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)).prefix { $0 > 0x20 }, as: UTF8.self)
  }
}
