import Glibc

/// A small disk of a test's own, in memory.
package final class Disk: Sendable {
  /// Whether this user may mount one: root may, but not in every container.
  package static let isToBeHad: Bool = { (try? Disk(kibibytes: 64)) != nil }()

  package struct Trouble: Error { var errno: Int32 }

  package let path: String

  package init(kibibytes: Int) throws {
    var template = Array("/tmp/store-disk-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Trouble(errno: errno) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(kibibytes)k,mode=700") == 0 else {
      let failure = errno
      rmdir(path)
      throw Trouble(errno: failure)
    }
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  /// Fills all that is left.
  package func fill() {
    let file = open("\(path)/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let block = [UInt8](repeating: 1, count: 1024)
    while write(file, block, block.count) > 0 {}
    close(file)
  }

  package func free() { unlink("\(path)/filler") }

  /// A child that another test of this process has just spawned holds what was open here until its exec: that is waited for.
  package func makeReadOnly() throws {
    let end = ContinuousClock.now + .seconds(10)
    while mount(nil, path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) != 0 {
      let failure = errno
      guard failure == EBUSY, ContinuousClock.now < end else { throw Trouble(errno: failure) }
      usleep(1000)
    }
  }
}
