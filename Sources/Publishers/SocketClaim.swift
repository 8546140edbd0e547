import CLinux
import Glibc

/// The right to serve at a path: a lock beside it, which the kernel frees at any death, and nothing in its way. At its end the
/// socket's file goes with it.
struct SocketClaim: ~Copyable {
  private let path: String
  private let lock: Int32

  /// Makes the directory where it is ours to make, and takes away what a service that was killed has left there.
  static func make(_ place: SocketPath) throws(SocketTrouble) -> SocketClaim {
    let path = place.description
    if !place.isGiven { try makeDirectory(place.directory) }
    let lock = open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard lock >= 0 else {
      throw SocketTrouble(
        "\(path).lock cannot be made: \(reason(errno)). The directory must be this service's own and writable.")
    }
    // From here on a failure gives the lock back.
    do throws(SocketTrouble) {
      guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw served(path) }
      try clear(path)
    } catch {
      close(lock)
      throw error
    }
    return SocketClaim(path: path, lock: lock)
  }

  private init(path: String, lock: Int32) {
    self.path = path
    self.lock = lock
  }

  deinit {
    unlink(path)
    close(lock)
  }

  private static func served(_ path: String) -> SocketTrouble {
    SocketTrouble(
      "another blupow run already serves \(path). One is enough: end the other, or give this one an XDG_RUNTIME_DIR of its own.")
  }

  private static func makeDirectory(_ path: String) throws(SocketTrouble) {
    if mkdir(path, 0o755) != 0, errno != EEXIST {
      throw SocketTrouble("\(path), the directory for the service's socket, cannot be made: \(reason(errno)).")
    }
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
      throw SocketTrouble(
        "\(path) is not a directory of this service's user. Remove it, or name another XDG_RUNTIME_DIR.")
    }
    // A worker by hand makes it for its locks alone, and a umask may have closed it.
    if status.st_mode & 0o777 != 0o755 { chmod(path, 0o755) }
  }

  private static func clear(_ path: String) throws(SocketTrouble) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw SocketTrouble("\(path) cannot be looked at: \(reason(errno)).")
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw SocketTrouble("\(path) is in the way, and no socket. Remove it.")
    }
    let answer = blupow_unix_probe(path)
    guard answer != 0 else { throw served(path) }
    guard answer == ECONNREFUSED, unlink(path) == 0 else {
      throw SocketTrouble("\(path) is in the way: \(reason(answer == ECONNREFUSED ? errno : answer)). Remove it.")
    }
  }

  private static func reason(_ error: Int32) -> String { String(cString: strerror(error)) }
}
