import Glibc

/// One Store per directory: an flock on a file in it, which the kernel frees at any death. Other files' locks are SQLite's own.
struct StoreLock: ~Copyable {
  static let name = "blupow.lock"

  private let descriptor: Int32

  static func acquire(in directory: String) throws(StoreError) -> StoreLock {
    let path = "\(directory)/\(name)"
    // Non-blocking: a FIFO that stands there must not hold us.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw StoreError(errno: errno, path) }
    let lock = StoreLock(descriptor: descriptor)
    if let what = StoreFile.oddity(ofDescriptor: descriptor) { throw StoreError(.notAFile(what), path) }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno != EINTR else { continue }
      throw errno == EWOULDBLOCK ? StoreError(.inUse, directory) : StoreError(errno: errno, path)
    }
    return lock
  }

  private init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }
}
