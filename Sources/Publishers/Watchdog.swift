import Glibc
package import Logging
package import Policy
package import Readings

/// Feeds the service manager's watchdog, as long as the gateway answers and its schedule moves. A service that does neither is
/// ended and started anew by the manager.
package struct Watchdog: Equatable, Sendable {
  /// Half of what the manager waits for.
  let every: Duration

  /// `nil`: the manager has no watchdog, or not for this process.
  package init?(environment: [String: String], process: Int32 = getpid()) {
    guard let limit = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), limit > 0 else { return nil }
    if let meant = environment["WATCHDOG_PID"], meant != "\(process)" { return nil }
    every = .microseconds(limit) / 2
  }

  /// Until cancelled.
  ///
  /// - Parameter doings: the gateway's own answer: one that never comes feeds nobody.
  package func run(
    doings: @Sendable () async -> [Address: StallCheck.Doing], feed: @Sendable () async -> Void, log: Logger
  ) async {
    var check = StallCheck()
    var stuck: [Address] = []
    while !Task.isCancelled {
      let found = check.look(await doings(), at: .now, awake: .now)
      if found.isEmpty {
        await feed()
        if !stuck.isEmpty { log.notice("the schedule moves again") }
      } else if stuck.isEmpty {
        let modules = found.map(\.text).joined(separator: ", ")
        log.critical(
          "the schedule stands still: nothing has become of \(modules) for too long. This is a bug; the service manager is left to end this service."
        )
      }
      stuck = found
      try? await Task.sleep(for: every)
    }
  }
}
