import Readings

extension Failure {
  /// Whether a module that fails like this again and again may be helped by bluetoothd forgetting it (`RemoveDevice`): what it
  /// remembers of its services may be of an older firmware, and its object may be in a state that it does not leave by itself.
  package var mayComeOfOldKnowledge: Bool {
    switch self {
    case .connectTimeout, .connectFailed, .linkLost, .servicesUnresolved, .notifyRefused, .wrongProfile, .workerTimedOut: true
    // The link was made and what is behind it does not answer; or another program has it; or it is unknown already; or forgetting
    // would cost a pairing.
    case .silent, .outOfTime, .badFrames, .modbusException, .busy, .held, .notSeen, .pairingRequired: false
    case .badRequest, .requestTooLong, .versionUnknown, .jobUnknown, .profileUnknown, .busMissing, .busSilent, .busLost,
      .daemonMissing, .daemonSilent, .daemonError, .accessDenied, .adapterMissing, .adapterOff, .slots, .stopped, .workerMissing,
      .workerCrashed, .workerBabbled:
      false
    }
  }
}
