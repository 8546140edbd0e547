import Glibc

/// How to start a worker: the program, what comes before its request, and all of its environment.
package struct WorkerCommand: Equatable, Sendable {
  package var path: String
  package var arguments: [String]
  package var environment: [String: String]

  package init(path: String, arguments: [String] = [], environment: [String: String] = WorkerCommand.inherited) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
  }

  /// What a worker needs of ours, and nothing else: the bus, what stands in for the radio in tests, the directory of the locks,
  /// language and time zone.
  package static var inherited: [String: String] {
    var found: [String: String] = [:]
    for name in ["DBUS_SYSTEM_BUS_ADDRESS", "BLUPOW_ATT_SOCKETS", "XDG_RUNTIME_DIR", "LANG", "TZ"] {
      if let value = getenv(name) { found[name] = String(cString: value) }
    }
    return found
  }
}
