import Glibc

/// The words for an errno, e.g. "No such file or directory".
func errorText(_ number: Int32) -> String {
  // glibc's strerror is thread-safe since 2.32: its buffer belongs to the thread.
  String(cString: strerror(number))
}
