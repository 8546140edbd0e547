import FoundationEssentials
import Policy
import Readings

/// The smallest values that the tests of this target share.
enum Sample {
  static let start = Instant.now

  static func at(_ seconds: Double) -> Instant { start + .seconds(seconds) }

  static func module(devices: [String] = ["Inverter"], interval: Duration = .seconds(30), timeout: TimeoutScale = .automatic)
    -> ModuleConfig?
  {
    guard let address = Address("D8:B6:73:BF:4F:75") else { return nil }
    let config = GatewayConfig(
      name: "cabin", interval: interval, timeout: timeout,
      devices: devices.map { DeviceConfig(name: $0, address: address, profile: "inverter") })
    return config.modules.first
  }

  /// Every clock at one moment, 1000 s after the boot unless said otherwise.
  static func clock(
    boot: String, at instant: Instant, uptime: Double = 1000, wall: Double = 1_784_000_000, isSynchronised: Bool = true
  ) -> ClockReading {
    ClockReading(
      instant: instant,
      stamp: Timestamp(
        boot: boot, uptime: .seconds(uptime), wall: Date(timeIntervalSince1970: wall), isSynchronised: isSynchronised))
  }

  static func readings(_ device: String = "Inverter", unit: UInt8 = 32) -> DeviceReadings {
    DeviceReadings(
      device: device, profile: "inverter", unit: unit, model: "RIV1230RCH-SPS",
      readings: ["battery_voltage": Reading(.number(52.4), unit: "V")])
  }

  static func success(_ poll: String, done: Done? = Done(link: .closed, connectMs: 1240)) -> PollOutcome {
    PollOutcome(poll: poll, answers: ["Inverter": .readings(readings())], done: done, lasted: .seconds(3))
  }

  static func failure(_ poll: String, _ failure: Failure, needsRelease: Bool = false) -> PollOutcome {
    PollOutcome(
      poll: poll, answers: ["Inverter": .failed(FailureReport(failure, at: .connect, "It went wrong."))], lasted: .seconds(20),
      needsRelease: needsRelease)
  }
}
