/// The exit codes of the worker and of one-shot commands, by class of failure (sysexits.h's numbers).
package enum ExitCode: Int32, Sendable, CaseIterable {
  case ok = 0
  /// A bad argument or request.
  case usage = 64
  /// A bad data file.
  case dataError = 65
  /// Bus, bluetoothd or adapter missing or off.
  case unavailable = 69
  /// A bug of ours.
  case software = 70
  /// It may pass by itself.
  case tryAgain = 75
  /// The other side broke the protocol.
  case protocolError = 76
  case refused = 77
  case config = 78
}
