import Glibc
import Policy
import Readings

/// The files by which a module has one owner at a time, where systemd gave this service a directory that every user sees: workers of
/// whatever user find them there, and may lock what they may read. Elsewhere workers make their own.
struct LockFiles {
  /// `$RUNTIME_DIRECTORY/lock`; `nil` where there is none.
  private let directory: String?

  init(environment: [String: String]) {
    directory = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map { "\($0)/lock" }
  }

  /// One for every module. What cannot be made is missed by nobody: workers fall back to files of their own.
  func make(for config: GatewayConfig) {
    guard let directory else { return }
    // Whatever the umask: reading is for everybody, or there would be nothing to lock.
    mkdir(directory, 0o755)
    chmod(directory, 0o755)
    for module in config.modules {
      let file = open("\(directory)/\(module.module.address)", O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
      guard file >= 0 else { continue }
      fchmod(file, 0o644)
      close(file)
    }
  }
}
