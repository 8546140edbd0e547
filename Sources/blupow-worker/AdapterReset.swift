import BlueZ
import DBus
import Readings

/// Power-cycles an adapter, and never leaves it off: not by a failure, not when it is told to stop, not at its deadline. Only a
/// death between the two does, and the next reset mends that.
struct AdapterReset {
  let name: String?
  let radio: Radio

  // bluetooth-auto-recovery's numbers (recover.py: power off 2 s, power on 3 s, settle 3.5 s; 5 s for an answer of the kernel's).
  private static let falling = Duration.seconds(5)
  private static let pause = Duration.seconds(2)
  private static let rising = Duration.seconds(3)
  private static let settling = Duration.milliseconds(3500)

  /// What a stop leaves us: `stopped` must be out within 500 ms.
  private static let leaving = Duration.milliseconds(350)

  func run() throws -> ExitCode {
    // Whoever stopped bluetoothd did so on purpose.
    let bus = try radio.open(startsDaemon: false)
    let adapter = try bus.adapter(toReset: name)
    try radio.reporter.enter(.release)
    guard .now + .seconds(1) < latestOff else {
      throw FailureReport(
        .daemonSilent, at: .release, "bluetoothd answered so late that no time was left to reset \(adapter.name).")
    }
    do {
      if adapter.powered { try switchOff(adapter, on: bus) }
      try bus.power(adapter, on: true, until: min(.now + Self.rising, radio.budget.closing))
    } catch {
      bus.leaveOn(adapter, until: min(.now + (error is Stopped ? Self.leaving : .seconds(1)), radio.budget.end))
      throw error
    }
    try settle(adapter, on: bus)
    try radio.reporter.emit(.done(Done(link: .none, stages: radio.reporter.stages)))
    return .ok
  }

  /// An adapter that is off by then is on again before the end.
  private var latestOff: ContinuousClock.Instant { radio.budget.closing - Self.rising - Self.pause }

  private func switchOff(_ adapter: Adapter, on bus: BlueZBus) throws {
    try bus.power(adapter, on: false, until: min(.now + Self.falling, latestOff))
    let _: Bool? = try bus.wait(at: .release, until: .now + Self.pause) { _ in nil }
  }

  /// It is on, and of use a moment later. One that goes again in that moment is not.
  private func settle(_ adapter: Adapter, on bus: BlueZBus) throws {
    let isOff = try bus.wait(at: .release, until: min(.now + Self.settling, radio.budget.closing)) { tree in
      tree.property(adapter.path, ObjectTree.adapter, "Powered")?.asBool == true ? nil : true
    }
    guard isOff == nil else {
      throw FailureReport(.adapterOff, at: .release, "\(adapter.name) was switched on, and went off again at once.")
    }
  }
}
