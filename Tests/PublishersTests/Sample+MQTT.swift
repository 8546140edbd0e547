import FoundationEssentials
import MQTT
import Policy
import Readings
import Rig
import Testing

@testable import Publishers

extension Sample {
  static func topic(_ text: String) -> TopicName { TopicName(text) ?? { preconditionFailure("\(text) is a topic") }() }

  static func settings(_ port: Int = 1883, _ discovery: MQTTSettings.Discovery = .component) -> MQTTSettings {
    MQTTSettings(
      broker: BrokerSettings(host: "127.0.0.1", port: port, clientID: ""), base: topic("blupow"), discovery: discovery,
      prefix: topic("homeassistant"))
  }

  /// A gateway with an inverter behind one module and a shunt that was never read behind another.
  static func config(_ names: [String] = ["Inverter", "Shunt"]) throws -> GatewayConfig {
    let inverter = DeviceConfig(
      name: names[0], address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter", unit: 32)
    let shunt = DeviceConfig(name: names[1], address: try #require(Address("D8:B6:73:BF:4F:83")), profile: "shunt300")
    return GatewayConfig(name: "cabin", devices: [inverter, shunt])
  }

  /// As `config` has it, with readings of the first.
  static func fleetAtBroker(_ names: [String] = ["Inverter", "Shunt"], volts: Double = 51.2) throws -> FleetStatus {
    var inverter = try device(names[0])
    inverter.unit = 32
    inverter.readAt = Date(timeIntervalSince1970: 1_784_000_000.25)
    inverter.readings = [
      "battery_voltage": Reading(.number(volts), unit: "V"), "solar_power": Reading(.number(120), unit: "W"),
      "charging_status": Reading(.text("float")), "model": Reading(.text("RIV4835CSH1S")),
      "serial_number": Reading(.text("150C0001")),
    ]
    inverter.model = "RIV4835CSH1S"
    var shunt = try device(names[1], at: "D8:B6:73:BF:4F:83", .disconnected)
    (shunt.profile, shunt.model, shunt.available, shunt.age, shunt.readAt, shunt.readings) = (
      "shunt300", nil, false, nil, nil, [:]
    )
    (shunt.consecutiveFailures, shunt.successRate, shunt.availability) = (3, 0, 0)
    (shunt.connectMs, shunt.connectMsMean, shunt.pollMs) = (nil, nil, 25_000)
    shunt.failure = FailureReport(.notSeen, at: .scan, "D8:B6:73:BF:4F:83 was not heard by hci0; 2 other devices were.")
    return FleetStatus(
      gateway: "cabin", version: "0.1.0", uptime: .seconds(3725),
      places: ServicePlaces(broker: "127.0.0.1:1883", stateDirectory: "/var/lib/blupow"), devices: [inverter, shunt],
      problems: [
        Problem(
          .moduleFailing, address: Address("D8:B6:73:BF:4F:83"), message: "It has failed 3 times in a row.",
          advice: "Is it powered, and in range?", since: Date(timeIntervalSince1970: 1_784_000_000))
      ])
  }
}
