import Readings

extension Failure {
  /// The failure's advice, and the command that shows more or mends it where the advice names none.
  ///
  /// - Parameters:
  ///   - device: its name in the configuration.
  ///   - address: its module's.
  func remedy(device: String?, address: Address?) -> String {
    let module = address?.text ?? "ADDRESS"
    let poll = "`blupow poll --verbose\(device.map { " \(Self.quoted($0))" } ?? "")` shows each step."
    let command: String? =
      switch self {
      // Their advice has it.
      case .badRequest, .profileUnknown, .busMissing, .daemonMissing, .daemonSilent, .daemonError, .adapterMissing, .adapterOff,
        .pairingRequired, .workerTimedOut:
        nil
      case .requestTooLong: "`blupow config check` counts them."
      case .versionUnknown, .jobUnknown, .workerBabbled: "`blupow --version` and `blupow-worker --version` tell them."
      case .busSilent, .busLost: "`systemctl status dbus` shows it."
      case .accessDenied: "`sudo usermod -aG bluetooth USER` makes one; then log in again."
      case .slots: "`bluetoothctl devices Connected` lists who takes them."
      case .held: "`pgrep -a blupow` shows it."
      case .busy: "`bluetoothctl disconnect \(module)` ends a link that bluetoothd has."
      case .notSeen, .connectTimeout: "`blupow scan --all` shows who is heard."
      case .connectFailed, .linkLost: "`blupow scan` shows how strong its signal is."
      case .servicesUnresolved, .notifyRefused, .outOfTime, .stopped, .workerCrashed: poll
      case .wrongProfile, .silent, .badFrames, .modbusException:
        "`blupow-worker identify --address \(module)` asks who answers there."
      case .workerMissing: "`blupow-worker --version` tries it."
      }
    return command.map { "\(advice) \($0)" } ?? advice
  }

  /// One word to a shell, whatever is in it.
  private static func quoted(_ word: String) -> String { "'\(word.replacing("'", with: #"'\''"#))'" }
}
