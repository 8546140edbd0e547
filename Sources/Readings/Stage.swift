/// How far a poll got. A worker says each stage as it enters it, so that even a killed one has said where it was.
package enum Stage: String, Codable, CaseIterable, Sendable {
  /// Before anything was said: the launch itself.
  case start
  /// Waiting for the module's lock.
  case lock
  /// Connecting to D-Bus and asking bluetoothd for its objects.
  case bus
  /// Freeing a link that stands or is pending.
  case release
  /// Looking for a module that bluetoothd does not know.
  case scan
  case connect
  /// Waiting for the GATT services.
  case services
  /// Enabling notifications.
  case subscribe
  /// Reading registers.
  case read
  case disconnect
}

extension Stage: Comparable {
  /// By the order of a poll.
  package static func < (left: Stage, right: Stage) -> Bool {
    (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
  }
}
