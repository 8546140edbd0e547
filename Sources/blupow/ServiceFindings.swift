import Policy
import Publishers
import Readings

/// What a running service knows. It polls; whoever polled beside it would be in its way.
struct ServiceFindings {
  let fleet: FleetStatus

  private func fault(_ check: Check, _ problem: Problem) -> Finding {
    Finding.fault(
      check, problem.message, advice: "\(problem.advice) `blupow status` shows it, `journalctl -u blupow` since when."
    ).fromService
  }

  /// The first problem of these.
  private func problem(_ names: Set<Problem.Name>) -> Problem? { fleet.problems.first { names.contains($0.name) } }

  /// Those that are no other check's: of modules, where its devices have no failure that says it; of the radio and the configuration,
  /// where this command found no fault with them itself.
  func service(besides found: [Finding]) -> [Finding] {
    let failing = Set(fleet.devices.filter { $0.failure != nil }.map(\.address))
    let faulty = Set(found.filter { $0.verdict == .fault }.map(\.check))
    var faults = fleet.problems.filter { problem in
      switch problem.name {
      case .brokerAway, .brokerRefuses, .storeFailed, .historyFailed: false
      case .inUse, .moduleFailing, .releaseFailed: !(problem.address.map(failing.contains) ?? false)
      case .busAway, .adapterAway: faulty.isDisjoint(with: [.bus, .bluetoothd, .adapter])
      case .configRefused: !faulty.contains(.config)
      case .resetFailed, .workerAbandoned, .workerStrays, .httpFailed: true
      }
    }.map { fault(.service, $0) }
    if fleet.version != Wire.release {
      faults.insert(
        .fault(
          .service, "The running service is release \(fleet.version); this command is \(Wire.release).",
          advice: "`systemctl restart blupow` starts the one that is installed."), at: 0)
    }
    return faults.isEmpty
      ? [Finding.ok(.service, "The service of the gateway \(fleet.gateway) runs: it was asked for what it knows.").fromService]
      : faults
  }

  /// What keeps one device from answering keeps all that stand behind its module: it is told once.
  private struct Root: Hashable {
    var address: Address
    var failure: Failure
  }

  /// - Parameter configured: what the configuration has; `nil`: it cannot be read.
  func devices(configured: [DeviceConfig]?, _ findings: DeviceFindings) -> [Finding] {
    let isAway = problem([.busAway, .adapterAway]) != nil
    var first: [Root: String] = [:]
    let known = fleet.devices.map { device in
      let finding = finding(of: device, findings, isAway: isAway)
      guard finding.verdict == .fault, let failure = finding.failure else { return finding }
      let root = Root(address: device.address, failure: failure)
      guard let other = first[root] else {
        first[root] = device.name
        return finding
      }
      return Finding.skipped(.device, "As \(other), behind the same module.", device: device.name, obstacle: .device).fromService
    }
    let missing = (configured ?? []).filter { device in
      !fleet.devices.contains { $0.name == device.name && $0.address == device.address }
    }
    // A configuration that was refused is a problem of its own.
    guard problem([.configRefused]) == nil else { return known }
    return known
      + missing.map {
        .fault(
          .device, "The running service does not have it.", device: $0.name,
          advice: "`systemctl reload blupow` makes it read the configuration again.")
      }
  }

  private func finding(of device: DeviceStatus, _ findings: DeviceFindings, isAway: Bool) -> Finding {
    guard let failure = device.failure else {
      guard let age = device.age else {
        return Finding.unknown(.device, "The service has not read it yet.", device: device.name).fromService
      }
      return Finding.ok(.device, "\(device.status.rawValue), read \(age.shortSeconds) ago.", device: device.name).fromService
    }
    if isAway, failure.failure.whose == .bus || failure.failure.whose == .adapter {
      return Finding.skipped(
        .device, "The service polls it again when the radio is back.", device: device.name, obstacle: .service
      ).fromService
    }
    var found = findings.fault(of: device.name, at: device.address, failure)
    // The service may have heard it; this command has not listened.
    (found.failure, found.message) = (failure.failure, failure.message)
    let times = device.consecutiveFailures
    found.message += times > 1 ? " So it has been \(times) times in a row." : ""
    return found.fromService
  }

  /// - Parameter configured: what the configuration says; `nil`: it cannot be read.
  func broker(configured: ServicePlaces?) -> Finding {
    let own = fleet.places
    // One that was refused is a problem of its own.
    if let wanted = configured?.broker, let own, own.broker != wanted, problem([.configRefused]) == nil {
      return Finding.fault(
        .broker,
        "The running service does not use the broker at \(wanted), which the configuration names: \(own.broker.map { "it uses the one at \($0)" } ?? "it uses none").",
        advice:
          "`systemctl reload blupow` makes it read the configuration again; a BLUPOW_MQTT_HOST in its environment comes before that."
      ).fromService
    }
    if let problem = problem([.brokerAway, .brokerRefuses]) { return fault(.broker, problem) }
    guard let own else { return untold(.broker, "which broker it uses") }
    guard let place = own.broker else { return Finding.ok(.broker, "The service uses none.").fromService }
    if let configured, configured.broker == nil, problem([.configRefused]) == nil {
      return Finding.unknown(
        .broker, "The service uses the broker at \(place); the configuration names none.",
        advice: "`systemctl reload blupow` ends that, unless its environment has a BLUPOW_MQTT_HOST."
      ).fromService
    }
    return Finding.ok(.broker, "The service has no trouble with the broker at \(place).").fromService
  }

  /// - Parameter configured: directories that the configuration names, with and without this command's environment; empty: none, or it
  ///   cannot be read. Where the service keeps what it knows is then its environment's to say.
  func state(configured: [String]) -> Finding {
    let own = fleet.places
    if let wanted = configured.first, let own, !configured.contains(own.stateDirectory ?? ""),
      problem([.configRefused]) == nil
    {
      return Finding.fault(
        .state,
        "The running service does not use \(wanted), which the configuration names: \(own.stateDirectory.map { "it uses \($0)" } ?? "it keeps nothing").",
        advice:
          "`systemctl restart blupow` makes it use that: a reload does not. A BLUPOW_STATE_DIR in its environment comes before the file."
      ).fromService
    }
    if let problem = problem([.storeFailed, .historyFailed]) { return fault(.state, problem) }
    guard let own else { return untold(.state, "where it keeps what survives a restart") }
    guard let directory = own.stateDirectory else {
      return Finding.unknown(
        .state, "The service keeps nothing that survives a restart.", advice: "Set state_dir in the configuration."
      ).fromService
    }
    return Finding.ok(.state, "The service has no trouble with \(directory).").fromService
  }

  private func untold(_ check: Check, _ what: String) -> Finding {
    Finding.unknown(
      check, "The running service, of release \(fleet.version), does not say \(what).",
      advice: "`systemctl restart blupow` starts the one that is installed."
    ).fromService
  }
}
