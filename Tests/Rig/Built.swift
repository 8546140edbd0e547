import Glibc

/// The executables of this build.
package enum Built {
  /// The path of the product `name`. They stand beside the test bundle, which on Linux is itself the running executable; or
  /// where BLUPOW_TEST_PROGRAMS says.
  package static func path(_ name: String) -> String { "\(directory)/\(name)" }

  private static let directory: String = {
    if let other = getenv("BLUPOW_TEST_PROGRAMS") { return String(cString: other) }
    guard let path = realpath("/proc/self/exe", nil) else { return "." }
    defer { free(path) }
    let executable = String(cString: path)
    return executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? "."
  }()
}
