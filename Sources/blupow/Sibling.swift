import Glibc
import Supervisor

/// The other executables of this installation: beside this one, or where the environment says.
enum Sibling {
  static var worker: WorkerCommand { WorkerCommand(path: path("blupow-worker", variable: "BLUPOW_WORKER")) }

  static var simulator: String { path("blupow-simulator", variable: "BLUPOW_SIMULATOR") }

  private static func path(_ name: String, variable: String) -> String {
    if let named = getenv(variable) { return String(cString: named) }
    guard let own = realpath("/proc/self/exe", nil) else { return name }
    defer { free(own) }
    let path = String(cString: own)
    return "\(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])/\(name)"
  }
}
