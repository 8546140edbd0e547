import Glibc

/// The file as the file system sees it: what has to be right before SQLite is asked, and what SQLite does not notice.
struct StoreFile: Sendable {
  static let storeName = "blupow.sqlite"
  static let historyName = "history.sqlite"
  /// The database and what SQLite puts beside it. The first is first to be set aside: SQLite throws a log away that stands beside an
  /// empty database, and would read one beside a database that is not its own.
  static let companions = ["", "-wal", "-shm", "-journal"]

  let directory: String
  var name = storeName
  var path: String { "\(directory)/\(name)" }

  /// Makes the directory, for its owner only, and those above it.
  func makeDirectory() throws(StoreError) {
    var made = directory.hasPrefix("/") ? "/" : ""
    for part in directory.split(separator: "/") {
      made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/\(part)"
      if mkdir(made, 0o700) == 0 { continue }
      let failure = errno
      var status = stat()
      // A link to a directory is one: systemd's DynamicUser= makes the state directory a link.
      guard stat(made, &status) == 0 else { throw StoreError(errno: failure == EEXIST ? errno : failure, made) }
      guard status.st_mode & S_IFMT == S_IFDIR else { throw StoreError(.notADirectory, made) }
    }
  }

  /// Files are files, or not there.
  func inspect() throws(StoreError) {
    for companion in Self.companions {
      var status = stat()
      guard lstat(path + companion, &status) == 0 else {
        guard errno == ENOENT else { throw StoreError(errno: errno, path + companion) }
        continue
      }
      if let what = Self.oddity(status.st_mode) { throw StoreError(.notAFile(what), path + companion) }
    }
  }

  /// They are; and the database is there, and is nobody else's to read.
  func prepare() throws(StoreError) {
    try inspect()
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw StoreError(errno: errno, path) }
    // SQLite gives its own files the database's mode.
    fchmod(descriptor, 0o600)
    close(descriptor)
  }

  static func oddity(ofDescriptor descriptor: Int32) -> String? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? oddity(status.st_mode) : nil
  }

  /// What stands there instead of a file.
  private static func oddity(_ mode: mode_t) -> String? {
    switch mode & S_IFMT {
    case S_IFREG: nil
    case S_IFDIR: "a directory"
    case S_IFLNK: "a symbolic link"
    case S_IFIFO: "a pipe"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
  }
}

extension StoreFile {
  /// What was opened. SQLite writes on into a file that has been deleted or cut, and says that all is well.
  struct Standing: Sendable {
    private var database: Identity
    private var log: Identity?
    /// The log's index, where it is in a file.
    private var index: Identity?
    private var size: Int64

    /// `nil`: it is not there.
    init?(of file: StoreFile) {
      guard let database = Identity(file.path) else { return nil }
      self.database = database
      log = Identity(file.path + "-wal")
      index = Identity(file.path + "-shm")
      size = database.size
    }

    /// Whether it stands as it did, and has lost nothing: no file shrinks while it is open.
    mutating func holds(for file: StoreFile) -> Bool {
      mendIndex(of: file)
      guard let now = Standing(of: file), now.database.isSame(as: database), now.size >= size else { return false }
      for (then, now) in [(log, now.log), (index, now.index)] {
        if let then, now.map({ $0.isSame(as: then) && $0.size >= then.size }) != true { return false }
      }
      self = now
      return true
    }

    /// SQLite knows of so many bytes: the database is made as short as that at the log's next turn, and has lost nothing by it.
    mutating func allow(shrinkingTo bytes: Int64) { size = min(size, bytes) }

    /// The index is mapped: where it was cut, this process would end by SIGBUS at the next look at it, be it to close the database. What
    /// was cut off comes back as zeros, and SQLite makes the index anew of the log.
    func mendIndex(of file: StoreFile) {
      guard let index, let now = Identity(file.path + "-shm"), now.isSame(as: index), now.size < index.size else { return }
      truncate(file.path + "-shm", Int(index.size))
    }
  }

  private struct Identity: Sendable {
    private var device: dev_t
    private var inode: ino_t
    var size: Int64

    init?(_ path: String) {
      var status = stat()
      guard lstat(path, &status) == 0 else { return nil }
      device = status.st_dev
      inode = status.st_ino
      size = Int64(status.st_size)
    }

    func isSame(as other: Identity) -> Bool { device == other.device && inode == other.inode }
  }
}
