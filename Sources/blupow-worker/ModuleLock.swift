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
      // Only this says that somebody has it; a file system without locks says something else.
      guard errno == EWOULDBLOCK || errno == EINTR else { return nil }
      guard ContinuousClock.now < deadline else {
        throw FailureReport(
          .held, at: .lock, "Another BluPow worker held \(address) so long that no time was left for this poll.")
      }
      var polled = [pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
      if poll(&polled, 1, 50) > 0 { throw Stopped() }
    }
    return lock
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// The service's file where it made one; else one under the user's runtime directory; else, for root, the service's place, and
  /// for others a directory of their own in /tmp.
  ///
  /// On a bus of its own a worker has a radio of its own: it shares nothing with the host's service, nor its locks.
  private static func open(_ address: Address) -> Int32? {
    let isHost = Surroundings.isHostsBus
    if isHost, let made = open("/run/blupow/lock/\(address)", O_RDONLY) { return made }
    var places: [String] = []
    if let user = getenv("XDG_RUNTIME_DIR").map({ String(cString: $0) }), user.hasPrefix("/") { places.append("\(user)/blupow") }
    places.append(isHost && geteuid() == 0 ? "/run/blupow" : "/tmp/blupow-\(geteuid())")
    for place in places {
      mkdir(place, 0o700)
      mkdir("\(place)/lock", 0o700)
      var status = stat()
      // Somebody else's directory, or a link to it, is no place for our lock.
      guard lstat(place, &status) == 0, status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFDIR else { continue }
      if let made = open("\(place)/lock/\(address)", O_RDONLY | O_CREAT) { return made }
    }
    return nil
  }

  /// Non-blocking: a FIFO that stands there must not hold us.
  private static func open(_ path: String, _ flags: Int32) -> Int32? {
    let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0o644)
    return descriptor >= 0 ? descriptor : nil
  }
}
