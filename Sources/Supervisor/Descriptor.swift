import CLinux
import Glibc

/// An open file descriptor; it is closed with the value.
struct Descriptor: ~Copyable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close(number) }
}

/// A pipe, both ends close-on-exec.
struct Pipe: ~Copyable {
  var reader: Descriptor
  var writer: Descriptor

  /// `path` is the program it is for, which the failure names.
  init(for path: String) throws(SpawnFailure) {
    var ends: [Int32] = [-1, -1]
    let failure = blupow_pipe(&ends)
    guard failure == 0 else { throw SpawnFailure(path: path, errno: failure) }
    reader = Descriptor(ends[0])
    writer = Descriptor(ends[1])
  }
}
