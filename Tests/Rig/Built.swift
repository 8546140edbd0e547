import Glibc

/// The executables of this build.
package enum Built {
  /// The path of the product `name`, beside the running test bundle or executable.
  package static func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// `swift test` runs the bundle by one of the toolchain's executables, so that /proc/self/exe is elsewhere: the bundle is then
  /// named in the arguments. By hand, the bundle is the executable itself.
  private static let directory: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
    let path = bundle ?? executable
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }()

  private static var executable: String {
    guard let path = realpath("/proc/self/exe", nil) else { return CommandLine.arguments[0] }
    defer { free(path) }
    return String(cString: path)
  }
}
