import Foundation
import Policy
import Publishers
import Readings
import Testing

@Suite struct FleetTableTests {
  func device(_ status: Freshness.Status, readings: [String: Reading] = [:], failure: FailureReport? = nil) throws -> DeviceStatus
  {
    DeviceStatus(
      name: "Inverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter", model: "RIV1230RCH-SPS",
      status: status, available: !readings.isEmpty, testMode: false, age: readings.isEmpty ? nil : .seconds(400),
      readAt: nil, readings: readings, failure: failure, successRate: nil, availability: nil, connectMs: nil,
      connectMsMean: nil, pollMs: nil, consecutiveFailures: 0, deadline: .seconds(25), rssi: nil)
  }

  @Test func `values have all digits of their register, names and units stand in columns`() throws {
    let text = FleetTable.section(
      try device(
        .connected,
        readings: [
          "input_current": Reading(.number(17), unit: "A"), "temperature": Reading(.number(-0.5), unit: "°C"),
          "charging_status": Reading(.text("float")), "battery_percentage": Reading(.number(100), unit: "%"),
        ]))
    #expect(
      text == """
        Inverter: connected · read 6 min ago · RIV1230RCH-SPS at D8:B6:73:BF:4F:75
          AC Input Current      17.00 A
          Inverter Temperature   -0.5 °C
          Battery SOC             100 %
          Charging Status       float

        """)
  }

  @Test func `stale values are marked, and the failure says what to do`() throws {
    let text = FleetTable.section(
      try device(
        .disconnected, readings: ["battery_percentage": Reading(.number(80), unit: "%")],
        failure: FailureReport(.adapterOff, at: .bus, "Bluetooth adapter hci0 is off.")))
    #expect(text.contains("disconnected · read 6 min ago · STALE"))
    #expect(text.contains("  adapter_off at bus: Bluetooth adapter hci0 is off.\n  The adapter is off: `bluetoothctl power on`"))
  }

  @Test func `a device without readings shows none`() throws {
    #expect(
      FleetTable.section(try device(.disconnected))
        == "Inverter: disconnected · no readings · RIV1230RCH-SPS at D8:B6:73:BF:4F:75\n")
  }
}
