import Devices
import Readings
import Testing

@testable import Publishers

@Suite struct ReadingMetricTests {
  private func metric(_ profile: String, _ key: String) throws -> ReadingMetric {
    try #require(ReadingMetric.of(profile).first { $0.key == key }?.metric)
  }

  @Test(
    arguments: [
      ("inverter", "battery_voltage", 51.2, "V", "blupow_battery_voltage_volts", 51.2),
      ("inverter", "battery_percentage", 87, "%", "blupow_battery_ratio", 0.87),
      ("inverter", "load_percentage", 29, "%", "blupow_load_ratio", 0.29),
      ("inverter", "load_apparent_power", 150, "VA", "blupow_load_apparent_power_voltamperes", 150),
      ("inverter", "output_frequency", 59.97, "Hz", "blupow_output_frequency_hertz", 59.97),
      ("inverter", "temperature", -3.5, "°C", "blupow_temperature_celsius", -3.5),
      ("inverter", "solar_energy_total", 12.3, "kWh", "blupow_solar_energy_joules_total", 44_280_000),
      ("inverter", "solar_energy_today", 1.1, "kWh", "blupow_solar_energy_today_joules", 3_960_000),
      ("controller", "power_generation_total", 1234, "Wh", "blupow_power_generation_joules_total", 4_442_400),
      ("controller", "charging_amp_hours_total", 7, "Ah", "blupow_charging_coulombs_total", 25_200),
      ("controller", "operating_days", 3, "d", "blupow_operating_seconds_total", 259_200),
      ("controller", "full_charges", 5, nil, "blupow_full_charges_total", 5),
      ("battery", "remaining_capacity", 49.123, "Ah", "blupow_remaining_capacity_coulombs", 176_842.8),
      ("battery", "battery_soc", 98.2, "%", "blupow_battery_soc_ratio", 0.982),
      ("battery", "cell_count", 16, nil, "blupow_cells", 16),
      ("battery", "cell_voltage_12", 3.3, "V", "blupow_cell_voltage_volts", 3.3),
      ("battery", "cell_voltage_min", 3.2, "V", "blupow_cell_voltage_min_volts", 3.2),
      ("battery", "temperature_2", 20, "°C", "blupow_temperature_celsius", 20),
    ] as [(String, String, Double, String?, String, Double)])
  func `a number is in its base unit, under a name that says so`(
    profile: String, key: String, read: Double, unit: String?, name: String, value: Double
  ) throws {
    let metric = try metric(profile, key)
    #expect(metric.family.name == name)
    #expect(metric.sample(Reading(.number(read), unit: unit))?.value == value)
    // By another unit it is not what the page says.
    #expect(metric.sample(Reading(.number(read), unit: "bushel")) == nil)
  }

  @Test func `of several alike the label says which`() throws {
    let (cell, probe) = (try metric("battery", "cell_voltage_12"), try metric("battery", "temperature_2"))
    #expect(cell.label?.name == "cell" && cell.label?.value == "12" && probe.label?.name == "sensor" && probe.label?.value == "2")
    #expect(cell.family == (try metric("battery", "cell_voltage_1")).family)
    #expect(try metric("inverter", "temperature").label == nil)
  }

  @Test func `on is 1, off is 0, and any other word is a label`() throws {
    let (switched, state) = (try metric("battery", "charge_mosfet"), try metric("inverter", "charging_status"))
    #expect(switched.sample(Reading(.text("on")))?.value == 1 && switched.sample(Reading(.text("off")))?.value == 0)
    #expect(switched.sample(Reading(.text("on")))?.state == nil && switched.sample(Reading(.text("perhaps"))) == nil)
    #expect(state.sample(Reading(.text("float")))?.state == "float" && state.sample(Reading(.text("float")))?.value == 1)
  }

  @Test func `a name stands for one thing, and no other metric has it`() {
    var kinds: [String: Exposition.Family] = [:]
    for metric in Profile.all.flatMap({ ReadingMetric.of($0.name) }).map(\.metric) {
      #expect(kinds[metric.family.name].map { $0 == metric.family } ?? true, "\(metric.family.name)")
      kinds[metric.family.name] = metric.family
      #expect(metric.family.name.wholeMatch(of: /blupow(_[a-z0-9]+)+/) != nil)
    }
    #expect(Set(kinds.keys).isDisjoint(with: FleetMetrics.families.map(\.name)))
    #expect(Set(FleetMetrics.families.map(\.name)).count == FleetMetrics.families.count)
    // What has a unit has a base unit.
    let units = Set(Profile.all.flatMap(\.keys).compactMap(\.quantity.unit))
    #expect(units == ["V", "A", "W", "VA", "Hz", "°C", "%", "Ah", "Wh", "kWh", "d"])
  }
}
