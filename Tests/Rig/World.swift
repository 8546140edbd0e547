import Glibc
package import Supervisor

/// What a scene stands on: a simulation, or a real bluetoothd with a peripheral that is not ours.
package protocol World: Sendable {
  var busAddress: String { get }
  /// Fit for XDG_RUNTIME_DIR.
  var directory: String { get }
  /// One control line to the module's side.
  func tell(_ line: String)
  /// What the module's side cannot say of bluetoothd: whether it holds no link to the module and discovers nothing.
  func isQuiet() async throws -> Bool
  func end() async
}

extension Simulation: World {
  /// The simulator's `state` says it all.
  package func isQuiet() async throws -> Bool { true }
}

/// The two worlds in which the contract is tried.
package enum Worlds {
  /// The socket of the peripheral, where the real world is.
  static let peripheral = getenv("BLUPOW_REAL_BLUEZ").map { String(cString: $0) }

  /// Whether this process tests against a real bluetoothd.
  package static var isReal: Bool { peripheral != nil }

  /// What the machine adds to every bound: an emulated one starts a process in half a second, and any stands still for a moment now and
  /// then while other tests run. What has to be prompt to a fraction of a second is tried alone (`PromptStopTests`).
  package static let slack = Duration.seconds(2)
}
