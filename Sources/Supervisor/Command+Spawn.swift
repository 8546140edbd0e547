import CLinux
import Glibc

extension Command {
  /// posix_spawn with the three descriptors as standard input, output and error. Only the spawner's thread calls it.
  func spawn(input: Int32, output: Int32, error: Int32) throws(SpawnFailure) -> Int32 {
    let assignments = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    var pid: Int32 = 0
    let failure = withCStrings([path] + arguments) { argv in
      withCStrings(assignments) { envp in blupow_spawn(&pid, path, argv, envp, input, output, error) }
    }
    guard failure == 0 else { throw SpawnFailure(path: path, errno: failure) }
    return pid
  }
}

/// `strings` as a NULL-terminated array of C strings, for the length of the call.
private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
  let pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return body(pointers)
}
