import Glibc

/// One Store, and one History, per directory: an flock on a file in it, which the kernel frees at any death.
struct StoreLock: ~Copyable {
  /// A service that was told to restart may still be closing.
  private static let patience = Duration.seconds(1)

  private let descriptor: Int32

  static func acquire(in directory: String, name: String = "blupow.lock") throws(StoreError) -> StoreLock {
    let path = "\(directory)/\(name)"
    // Non-blocking: a FIFO that stands there must not hold us.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw StoreError(errno: errno, path) }
    let lock = StoreLock(descriptor: descriptor)
    if let what = StoreFile.oddity(ofDescriptor: descriptor) { throw StoreError(.notAFile(what), path) }
    let deadline = ContinuousClock.now + patience
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw StoreError(errno: errno, path) }
      guard ContinuousClock.now < deadline else { throw StoreError(.inUse, directory) }
      usleep(20_000)
    }
    return lock
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit {
    // A worker that is just being spawned has the descriptor too, until it is a program of its own; and would keep the lock.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}
