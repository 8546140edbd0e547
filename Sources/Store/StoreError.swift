import GRDB
import Glibc
import Readings

/// Why something was not kept, or not opened: what, where, what to do.
package struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Cause: Equatable, Sendable {
    /// What stands at the path is no file, e.g. "a symbolic link".
    case notAFile(String)
    case notADirectory
    case denied
    case readOnly
    case full
    /// Another Store has this directory.
    case inUse
    /// A program that is no Store has the database open.
    case locked
    /// Deleted or replaced while open.
    case gone
    case damaged(String)
    case foreign
    /// Written by a later version: the migrations that this one does not know.
    case newer([String])
    /// A record that is over a limit, and why.
    case unfit(String)
    /// There is no history yet.
    case absent
    /// It can be read by others, not by this user.
    case unreadable
    /// What the system or SQLite says.
    case other(String)
  }

  package var cause: Cause
  package var path: String

  package init(_ cause: Cause, _ path: String) {
    self.cause = cause
    self.path = path
  }

  package var trouble: StoreTrouble { StoreTrouble(message: message, advice: advice) }
  package var description: String { "\(message) \(advice)" }

  package var message: String {
    switch cause {
    case .notAFile(let what): "\(path) is \(what), not a file."
    case .notADirectory: "\(path) is not a directory."
    case .denied: "This user may not write \(path)."
    case .readOnly: "\(path) is on a read-only file system."
    case .full: "The disk with \(path) is full."
    case .inUse: "Another BluPow service uses \(path)."
    case .locked: "Another program has \(path) open and keeps it locked."
    case .gone: "\(path) was deleted or replaced while it was in use."
    case .damaged(let detail): "\(path) is damaged: \(detail)."
    case .foreign: "\(path) is a database, but not one of BluPow's."
    case .newer(let unknown):
      "\(path) was written by a later version of BluPow (it knows \(unknown.joined(separator: ", ")))."
    case .unfit(let why): "A record cannot be kept in \(path): \(why)."
    case .absent: "There is no history in \(path) yet."
    case .unreadable: "This user may not read \(path), or not write beside it, which SQLite has to do to read it."
    case .other(let detail): "\(path) cannot be used: \(detail)."
    }
  }

  package var advice: String {
    switch cause {
    case .notAFile: "Move it away; the service then makes a file of its own there."
    case .notADirectory: "Move it away, or set state_dir to a directory."
    case .denied: "Give the directory to the user that the service runs as, or set state_dir to one that is its own."
    case .readOnly: "Mount it writable (the kernel turns a failing disk read-only: see dmesg), or set state_dir elsewhere."
    case .full: "Free some space there: saving then goes on by itself. Until then a restart forgets what came last."
    case .inUse: "Stop one of the two, or give this one a state_dir of its own."
    case .locked: "Close it there, for instance a sqlite3 shell: saving then goes on by itself."
    case .gone: "Leave the files in that directory alone while the service runs; it will begin a new one."
    case .damaged, .foreign:
      "Where this lasts, it is set aside and another begun; where it comes again, look at the disk (dmesg)."
    case .newer: "To go on with it, install that version again and move the file back."
    case .unfit: "This is a mistake in BluPow: please report it."
    case .absent: "A service (`blupow run`) writes it, with the first minute of polls; state_dir says where."
    case .unreadable: "Ask as the user that the service runs as, or as root: `sudo blupow history`."
    case .other: "Look at the disk (dmesg); if the file is at fault, move it away and a new one is begun."
    }
  }

  /// Whether the file itself is at fault: it is set aside, never believed.
  var blamesFile: Bool {
    switch cause {
    case .damaged, .foreign, .newer: true
    default: false
    }
  }

  /// Whether only another file helps, where this lasts: what one that is in use can come to.
  var needsNewFile: Bool { blamesFile || cause == .gone }
}

// MARK: Translated once

extension StoreError {
  /// What a system call of ours says.
  init(errno number: Int32, _ path: String) {
    let cause: Cause =
      switch number {
      case EACCES, EPERM: .denied
      case EROFS: .readOnly
      case ENOSPC, EDQUOT: .full
      case ENOTDIR: .notADirectory
      case ELOOP: .notAFile("a symbolic link")
      case ENXIO: .notAFile("a pipe or a socket")
      case EISDIR: .notAFile("a directory")
      // glibc's strerror is thread-safe since 2.32: its buffer belongs to the thread.
      default: .other(String(cString: strerror(number)))
      }
    self.init(cause, path)
  }

  /// What GRDB throws about the database at `path`.
  init(_ error: any Error, _ path: String) {
    switch error {
    case let error as StoreError: self = error
    case let error as DatabaseError: self.init(Self.cause(of: error, path), path)
    // A value that is not what its column promises.
    default: self.init(.damaged(Printable.text("\(error)", maxBytes: 200)), path)
    }
  }

  private static func cause(of error: DatabaseError, _ path: String) -> Cause {
    let text = Printable.text(error.message ?? "\(error.resultCode)", maxBytes: 200)
    if error.extendedResultCode == .SQLITE_READONLY_DBMOVED { return .gone }
    switch error.resultCode {
    case .SQLITE_FULL: return .full
    case .SQLITE_BUSY, .SQLITE_LOCKED: return .locked
    // Our statements are right: where one does not fit, the schema is not ours any more.
    case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_FORMAT:
      return .damaged(text)
    case .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_PERM:
      // SQLite tells ENOSPC of a write only; the file system itself says what else is the matter.
      var disk = statvfs()
      guard statvfs(path, &disk) == 0 else { return .other(text) }
      if disk.f_flag & UInt(ST_RDONLY) != 0 { return .readOnly }
      if disk.f_bavail == 0 { return .full }
      return error.resultCode == .SQLITE_READONLY || error.resultCode == .SQLITE_PERM ? .denied : .other(text)
    default: return .other(text)
    }
  }
}
