import Glibc
import Supervisor

/// Other programs, asked for their version.
enum ProgramWord {
  private static let patience = Duration.seconds(3)

  /// The first line that `--version` prints, within a few seconds; `nil`: none. Throws where the program cannot be started.
  static func version(of path: String, environment: [String: String] = [:]) async throws(SpawnFailure) -> String? {
    let limits = OutputLimits(line: 1024, total: 4096, errorLine: 1024, errorTotal: 4096)
    let child = try await Spawner.shared.start(
      Command(path: path, arguments: ["--version"], environment: environment), limits: limits, deadline: patience)
    var said: String?
    for await event in child.output {
      if case .line(let line) = event { said = said ?? String(decoding: line, as: UTF8.self) }
    }
    return said
  }

  /// Where distributions have bluetoothd: not in PATH.
  private static let places = [
    "/usr/libexec/bluetooth", "/usr/lib/bluetooth", "/usr/lib/bluez", "/usr/sbin", "/usr/local/libexec/bluetooth",
  ]

  /// - Parameter isHosts: bluetoothd's of the host is meant; on another bus only one that is in PATH.
  static func bluetoothd(isHosts: Bool) -> String? {
    let path = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
    return (path + (isHosts ? places : [])).map { "\($0)/bluetoothd" }.first { $0.hasPrefix("/") && access($0, X_OK) == 0 }
  }
}
