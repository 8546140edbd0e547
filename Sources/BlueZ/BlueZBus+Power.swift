import DBus
import Readings

extension BlueZBus {
  /// Switches an adapter on or off, and sees it so. `Adapter1.Powered` needs no rights beyond those of talking to bluetoothd.
  package func power(_ adapter: Adapter, on: Bool, until deadline: Instant) throws {
    func trouble(_ failure: Failure, _ why: String) -> FailureReport {
      FailureReport(failure, at: .release, "\(adapter.name) could not be switched \(on ? "on" : "off"): \(why)")
    }
    // Where bluetoothd is well and the controller does not do it, the adapter is what it is left at.
    let late = trouble(on ? .adapterOff : .daemonSilent, "bluetoothd did not say that it was, in time.")
    do {
      try call(
        adapter.path, ObjectTree.properties, "Set", Self.powered(on), at: .release, until: deadline, late: late)
    } catch let report as FailureReport {
      switch report.failure {
      case .notSeen: throw trouble(.adapterMissing, report.message)
      case .busy: break  // somebody is switching it just now, and what becomes of that is seen below
      case .adapterOff, .daemonError: throw trouble(on ? .adapterOff : .daemonError, report.message)
      default: throw report
      }
    }
    enum Seen { case done, gone }
    let seen = try wait(at: .release, until: deadline) { tree -> Seen? in
      guard let powered = tree.property(adapter.path, ObjectTree.adapter, "Powered")?.asBool else { return .gone }
      return powered == on ? .done : nil
    }
    switch seen {
    case .done: return
    case .gone: throw trouble(.adapterMissing, "it vanished.")
    case nil: throw silence(at: .release) ?? late
    }
  }

  /// Sends an adapter's switching on and does not see it done: for one who must go, and may have been interrupted while it was
  /// being switched off. No stop is heeded.
  ///
  /// Asked meanwhile, bluetoothd refuses (`org.bluez.Error.Busy`, from 5.57 on) or does nothing: so it is seen off first.
  package func leaveOn(_ adapter: Adapter, until deadline: Instant) {
    let flushing = Duration.milliseconds(50)
    while tree.property(adapter.path, ObjectTree.adapter, "Powered")?.asBool == true, .now < deadline - flushing {
      guard (try? hear(at: .release, until: deadline - flushing, heedingStop: false)) == true else { break }
    }
    var call = Message.call(to: Self.name, adapter.path, ObjectTree.properties, "Set", Self.powered(true))
    // Where bluetoothd has gone meanwhile, it is not for us to start it.
    call.noAutoStart = true
    try? post(call)
    _ = flush(until: deadline)
  }

  private static func powered(_ on: Bool) -> [DBus.Value] {
    [.string(ObjectTree.adapter), .string("Powered"), .variant(.bool(on))]
  }
}
