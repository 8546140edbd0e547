import Foundation
import GRDB
import Testing

@testable import Store

/// What else may stand where the store's files should.
@Suite(.timeLimit(.minutes(5))) struct StoreFileTests {
  private func cause(_ directory: String) -> StoreError.Cause? {
    do throws(StoreError) {
      _ = try Store.open(directory: directory)
      return nil
    } catch {
      return error.cause
    }
  }

  @Test(arguments: ["blupow.sqlite", "blupow.sqlite-wal", "blupow.sqlite-shm", "blupow.sqlite-journal"])
  func `a pipe, a link or a directory in a file's place is an error, and nothing waits or is followed`(name: String) throws {
    let folder = try Folder()
    let path = "\(folder.path)/\(name)"
    mkfifo(path, 0o600)
    #expect(cause(folder.path) == .notAFile("a pipe"))
    unlink(path)
    symlink("\(folder.path)/elsewhere", path)
    #expect(cause(folder.path) == .notAFile("a symbolic link"))
    unlink(path)
    mkdir(path, 0o700)
    #expect(cause(folder.path) == .notAFile("a directory"))
    rmdir(path)
    #expect(cause(folder.path) == nil)
    #expect(try folder.names == ["blupow.lock", "blupow.sqlite"])
  }

  @Test func `nor in the lock's`() throws {
    let folder = try Folder()
    let path = "\(folder.path)/blupow.lock"
    mkfifo(path, 0o600)
    #expect(cause(folder.path) == .notAFile("a pipe"))
    unlink(path)
    symlink("\(folder.path)/elsewhere", path)
    #expect(cause(folder.path) == .notAFile("a symbolic link"))
    unlink(path)
    mkdir(path, 0o700)
    #expect(cause(folder.path) == .notAFile("a directory"))
  }

  @Test func `a file where a directory should be is an error, and a link to a directory is a directory`() throws {
    let folder = try Folder()
    try folder.write([], to: "file")
    #expect(cause("\(folder.path)/file") == .notADirectory)
    #expect(cause("\(folder.path)/file/blupow") == .notADirectory)
    mkdir("\(folder.path)/real", 0o700)
    symlink("real", "\(folder.path)/link")
    #expect(cause("\(folder.path)/link") == nil)
  }

  @Test func `a directory that cannot be made is an error that says what to do`() {
    let error = #expect(throws: StoreError.self) { try Store.open(directory: "/proc/blupow") }
    #expect(error?.path == "/proc/blupow")
    #expect(error?.description.hasPrefix("/proc/blupow cannot be used: No such file or directory. Look at the disk") == true)
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
  func `a directory that may not be written is an error that says what to do`() throws {
    let folder = try Folder()
    chmod(folder.path, 0o500)
    #expect(cause(folder.path) == .denied)
    chmod(folder.path, 0o700)
  }

  @Test func `a program that holds a lock is waited for a second, then it is an error and the file stays`() throws {
    let folder = try Folder()
    try folder.fill([record("a", "{}")])
    let other = try DatabaseQueue(path: folder.database)
    try other.inDatabase { database in
      try database.execute(sql: "BEGIN IMMEDIATE")
      let began = ContinuousClock.now
      #expect(cause(folder.path) == .locked)
      #expect(ContinuousClock.now - began >= .milliseconds(900))
      #expect(ContinuousClock.now - began < .seconds(10))
      try database.execute(sql: "ROLLBACK")
    }
    try other.close()
    #expect(cause(folder.path) == nil)
    #expect(try folder.setAside == [])
  }

  // MARK: While it is open

  @Test(arguments: ["blupow.sqlite", "blupow.sqlite-wal"])
  func `a file that is deleted, replaced or cut while it is open is an error, not a save that nobody will see`(
    name: String
  ) throws {
    for deed in ["delete", "replace", "cut"] {
      let folder = try Folder()
      let store = try Store.open(directory: folder.path).store
      try store.save(changed: [record("a", "1")])
      let path = "\(folder.path)/\(name)"
      let bytes = try folder.bytes(of: name)
      if deed != "cut" { unlink(path) }
      if deed == "replace" { try folder.write(bytes, to: name) }
      if deed == "cut" { truncate(path, off_t(bytes.count - 1)) }
      let error = #expect(throws: StoreError.self, "\(deed)") { try store.save(changed: [record("a", "2")]) }
      #expect(error?.cause == .gone)
      store.close()
    }
  }

  @Test func `a file that is overwritten while it is open is an error or a save that holds, never a crash`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    // More than SQLite keeps in memory (2 MiB).
    let texts = (0..<200).map { record("\($0)", String(repeating: "x", count: 60_000)) }
    try store.save(changed: texts)
    store.close()
    let again = try Store.open(directory: folder.path).store
    let size = try folder.bytes().count
    let handle = try FileHandle(forUpdating: URL(filePath: folder.database))
    try handle.seek(toOffset: 4096)
    try handle.write(contentsOf: Data(repeating: 0xa5, count: size - 4096))
    try handle.close()
    let error = #expect(throws: StoreError.self) {
      for text in texts { try again.save(changed: [record(text.key, "2")]) }
    }
    #expect(error?.needsNewFile == true)
  }
}
