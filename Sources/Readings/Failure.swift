/// Everything that can keep a poll from its readings: a closed list. The verdicts (whose it is, whether another attempt may
/// help, the exit code, what to tell the person) are computed from the case, so that a new case must answer every question.
///
/// The raw value is the `class` of the worker protocol (`protocol/README.md` has the same table; a test keeps them equal).
package enum Failure: String, CaseIterable, Codable, Sendable {
  // The request or the command line
  case badRequest = "bad_request"
  case requestTooLong = "request_too_long"
  case versionUnknown = "version_unknown"
  case jobUnknown = "job_unknown"
  case profileUnknown = "profile_unknown"

  // The bus and bluetoothd
  case busMissing = "bus_missing"
  case busSilent = "bus_silent"
  case busLost = "bus_lost"
  case daemonMissing = "daemon_missing"
  case daemonSilent = "daemon_silent"
  case daemonError = "daemon_error"
  case accessDenied = "access_denied"

  // The adapter
  case adapterMissing = "adapter_missing"
  case adapterOff = "adapter_off"
  case slots

  // The link to the module
  case held
  case busy
  case notSeen = "not_seen"
  case connectTimeout = "connect_timeout"
  case connectFailed = "connect_failed"
  case linkLost = "link_lost"
  case servicesUnresolved = "services_unresolved"
  case notifyRefused = "notify_refused"
  case wrongProfile = "wrong_profile"
  case pairingRequired = "pairing_required"

  // The registers
  case silent
  case outOfTime = "out_of_time"
  case badFrames = "bad_frames"
  case modbusException = "modbus_exception"

  // The worker, as its supervisor sees it
  case stopped
  case workerMissing = "worker_missing"
  case workerTimedOut = "worker_timed_out"
  case workerCrashed = "worker_crashed"
  case workerBabbled = "worker_babbled"
}

extension Failure {
  /// Whose failure it is. Only the module's own feed its back-off and its deadline.
  package enum Owner: String, Codable, Sendable {
    case module, adapter, bus
    /// BluPow itself, or the way it was called.
    case us
  }

  package var whose: Owner {
    switch self {
    case .busy, .notSeen, .connectTimeout, .connectFailed, .linkLost, .servicesUnresolved, .notifyRefused, .wrongProfile,
      .pairingRequired, .silent, .outOfTime, .badFrames, .modbusException, .workerTimedOut:
      .module
    case .adapterMissing, .adapterOff, .slots: .adapter
    case .busMissing, .busSilent, .busLost, .daemonMissing, .daemonSilent, .daemonError: .bus
    case .badRequest, .requestTooLong, .versionUnknown, .jobUnknown, .profileUnknown, .accessDenied, .held, .stopped,
      .workerMissing, .workerCrashed, .workerBabbled:
      .us
    }
  }

  /// Whether there can be no link while this lasts: without bluetoothd or a working adapter there is none to be freed. A link of
  /// bluetoothd's falls when it dies, as it does when it loses its bus, and every link with its adapter.
  package var leavesNoLink: Bool {
    switch self {
    case .busMissing, .daemonMissing, .adapterMissing, .adapterOff: true
    default: false
    }
  }

  /// Whether a second attempt within the same poll may end otherwise.
  package var isWorthRetrying: Bool {
    switch self {
    case .busy, .slots, .connectTimeout, .connectFailed, .linkLost, .servicesUnresolved, .notifyRefused, .daemonError: true
    case .badRequest, .requestTooLong, .versionUnknown, .jobUnknown, .profileUnknown, .busMissing, .busSilent, .busLost,
      .daemonMissing, .daemonSilent, .accessDenied, .adapterMissing, .adapterOff, .held, .notSeen, .wrongProfile,
      .pairingRequired, .silent, .outOfTime, .badFrames, .modbusException, .stopped, .workerMissing, .workerTimedOut,
      .workerCrashed,
      .workerBabbled:
      false
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .badRequest, .requestTooLong, .versionUnknown, .jobUnknown, .profileUnknown: .usage
    case .busMissing, .busLost, .daemonMissing, .adapterMissing, .adapterOff: .unavailable
    case .workerMissing, .workerCrashed: .software
    case .busSilent, .daemonSilent, .daemonError, .slots, .held, .busy, .notSeen, .connectTimeout, .connectFailed, .linkLost,
      .servicesUnresolved, .notifyRefused, .silent, .outOfTime, .stopped, .workerTimedOut:
      .tryAgain
    case .wrongProfile, .badFrames, .modbusException, .workerBabbled: .protocolError
    case .accessDenied, .pairingRequired: .refused
    }
  }

  /// What the person can do: one or two sentences, naming the command where there is one.
  package var advice: String {
    switch self {
    case .badRequest: "Send one JSON line as protocol/README.md describes, or use the flags: blupow-worker --help."
    case .requestTooLong: "A request is one line of at most 65536 bytes; list fewer devices in it."
    case .versionUnknown: "blupow and blupow-worker are of different releases: install both from the same one."
    case .jobUnknown:
      """
      The jobs are poll, identify, scan, release, probe and reset-adapter; blupow and blupow-worker may be of different releases.
      """
    case .profileUnknown: "Choose one of the profiles that `blupow-worker --help` lists."
    case .busMissing:
      "No D-Bus system bus answers there. Start it (`systemctl start dbus`), or pass the host's socket into the container."
    case .busSilent: "The D-Bus daemon accepts connections but does not answer: look at its load, then restart the host."
    case .busLost: "The D-Bus daemon closed the connection; it may be restarting. The next poll tries again."
    case .daemonMissing: "bluetoothd is not running: `systemctl status bluetooth`, then `systemctl restart bluetooth`."
    case .daemonSilent: "bluetoothd does not answer: `systemctl restart bluetooth`, and look at `journalctl -u bluetooth`."
    case .daemonError: "bluetoothd refused in an unusual way; `journalctl -u bluetooth` has its side of it."
    case .accessDenied:
      "The system bus refuses this user: run as a member of the group `bluetooth`, or as the service's own user."
    case .adapterMissing: "No such Bluetooth adapter: `bluetoothctl list` shows those that exist; replug it, or mend `adapter:`."
    case .adapterOff: "The adapter is off: `bluetoothctl power on`; if that is refused, `rfkill unblock bluetooth`."
    case .slots: "The adapter has no free connection slot: use fewer devices at once, or a second adapter."
    case .held: "Another BluPow worker on this host is using this module; it was waited for as long as the deadline allowed."
    case .busy: "Another program on this host is using this module: stop it, or wait for it to finish."
    case .notSeen:
      """
      Another client (the phone app, a Renogy ONE, a second integration) may hold its only connection, or it is out of range \
      or without power.
      """
    case .connectTimeout:
      """
      It does not answer: another client (the phone app, a Renogy ONE, a second integration) may hold \
      its only connection, or it is out of range or without power.
      """
    case .connectFailed: "The radio link could not be made: check the distance and what stands between."
    case .linkLost: "The radio link broke while in use: check the distance, the module's supply and other radios nearby."
    case .servicesUnresolved: "The module connected but did not list its services in time; if this lasts, power-cycle the module."
    case .notifyRefused:
      "The module's notifications could not be had: another program may be subscribed; if this lasts, power-cycle the module."
    case .wrongProfile: "The device at this address is not a Renogy module of this profile: check address and profile."
    case .pairingRequired: "The module asks for pairing, which Renogy's own do not: check the address, then `bluetoothctl pair`."
    case .silent: "Connected, but the registers do not answer: check unit and profile, and that the device behind it is on."
    case .outOfTime:
      "Others behind the module took the poll's time, or it answers slowly: it is asked before the silent ones next; see which are unplugged."
    case .badFrames:
      "Replies arrive damaged or from another unit: check unit, the RS485 wiring, and that nothing else polls this device."
    case .modbusException: "The device refuses a register that this profile needs: the profile may be the wrong one."
    case .stopped: "It was told to stop; nothing is wrong."
    case .workerMissing: "blupow-worker could not be started: it belongs beside blupow, executable by this user."
    case .workerTimedOut:
      "The worker was ended at its deadline, and its link is being freed. If this lasts: `systemctl restart bluetooth`."
    case .workerCrashed: "A bug in BluPow: please report it with the log line of this poll."
    case .workerBabbled: "The worker broke the protocol: blupow and blupow-worker may be of different releases."
    }
  }
}
