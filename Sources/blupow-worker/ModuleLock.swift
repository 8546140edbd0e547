import BlueZ
import Glibc
import Readings

/// One owner of a module at a time: an flock on a file per address, which the kernel frees at any death.
struct ModuleLock: ~Copyable {
  private let descriptor: Int32

  /// Waits for the lock. `nil` where there is no directory for lock files: then nothing can be waited for.
  static func acquire(
    _ address: Address, stop: Int32, until deadline: ContinuousClock.Instant
  ) throws -> ModuleLock? {
    guard let descriptor = open(address) else { return nil }
    let lock = ModuleLock(descriptor: descriptor)
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard ContinuousClock.now < deadline else {
        throw FailureReport(.held, at: .lock, "Another BluPow worker held \(address) until the deadline.")
      }
      var polled = [pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
      if poll(&polled, 1, 50) > 0 { throw Stopped() }
    }
    return lock
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// The service's file where it made one; else one under the user's runtime directory; else, for root, the service's place.
  private static func open(_ address: Address) -> Int32? {
    let service = "/run/blupow/lock/\(address)"
    let existing = Glibc.open(service, O_RDONLY | O_CLOEXEC)
    if existing >= 0 { return existing }
    var directory = "/run/blupow"
    if let user = getenv("XDG_RUNTIME_DIR").map({ String(cString: $0) }), user.hasPrefix("/") {
      directory = "\(user)/blupow"
    } else if geteuid() != 0 {
      return nil
    }
    mkdir(directory, 0o755)
    mkdir("\(directory)/lock", 0o755)
    let made = Glibc.open("\(directory)/lock/\(address)", O_RDONLY | O_CREAT | O_CLOEXEC, 0o644)
    return made >= 0 ? made : nil
  }
}
