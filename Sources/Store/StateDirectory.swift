/// Where the store is.
package enum StateDirectory {
  /// What is configured; else what systemd gives the service (StateDirectory=); else the system's or the user's place for state.
  ///
  /// - Parameter configured: taken as it is.
  /// - Returns: `nil`: nothing says where, not even a home.
  package static func path(configured: String?, environment: [String: String], isRoot: Bool) -> String? {
    if let configured { return configured }
    // A relative path in one of these is a mistake that the XDG specification has ignored.
    func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    if let given = absolute("STATE_DIRECTORY")?.split(separator: ":").first { return String(given) }
    if isRoot { return "/var/lib/blupow" }
    if let state = absolute("XDG_STATE_HOME") { return "\(state)/blupow" }
    return absolute("HOME").map { "\($0)/.local/state/blupow" }
  }
}
