import Readings

extension Profile {
  /// Smart lithium batteries, alone or behind a hub: the vendor's "Lithium Iron Battery BMS Modbus V1.7", and captured frames. The
  /// family is told by the advertised name alone, and with it how the current is coded.
  package static let battery = Profile(
    name: "battery",
    otherUnit: 48,
    // 157 to 353 ms behind a hub.
    replyTimeout: .seconds(2),
    required: ["battery_current", "battery_voltage", "remaining_capacity", "capacity"],
    blocks: [
      // Six words: what every family, and a hub, was seen to answer.
      Block(5042, 6, .required),
      Block(5000, 34, .optional),
      Block(5100, 8, .optional),
      Block(5104, 28, .optional),
      Block(5048, 5, .optional),
      Block(5223, 1, .optional),
    ],
    fields: batteryFields + cells + temperatures + batteryAlarms + batteryDerived,
    variant: { name, _ in name.flatMap(batteryFamily) },
    derive: deriveBattery)

  /// `legacy` is what stands behind a BT-1, a BT-2 or a hub, or is called as these batteries are. A name of no family tells nothing.
  static func batteryFamily(_ name: String) -> String? {
    ["RNGRBP": "pro", "RNGPRO": "rngpro", "RNGC": "rngc", "BT-TH": "legacy", "RBT": "legacy"].first { name.hasPrefix($0.key) }?
      .value
  }

  private static let batteryFields: [Field] = [
    Field(
      5042, "battery_current", "Battery Current", .signed(decimals: 2), .current, within: -500...500, of: ["legacy", "rngpro"],
      "f032, f045"),
    // 0.1 A: users of the other scale multiply by ten.
    Field(
      5042, "battery_current", "Battery Current", .signed(decimals: 1), .current, within: -500...500, of: ["pro"],
      "captured (BMS_BLE-HA)"),
    Field(
      5042, "battery_current", "Battery Current", .signed(decimals: 1), .current, within: -500...500, of: ["rngc"], "aiobmsble",
      .claimed),
    Field(5043, "battery_voltage", "Battery Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "f032"),
    Field(
      5044, "remaining_capacity", "Remaining Capacity", .unsigned32(decimals: 3), .capacity, within: 0...10_000, "f032"),
    Field(5046, "capacity", "Capacity", .unsigned32(decimals: 3), .capacity, within: 0...10_000, "f032"),
    Field(
      5048, "cycles", "Cycles", .unsigned(), .times, within: 0...20_000, of: ["legacy", "pro", "rngpro"], "f045"),
    Field(5048, "cycles", "Cycles", .swapped, .times, within: 0...20_000, of: ["rngc"], "aiobmsble", .claimed),
    Field(
      5049, "charge_voltage_limit", "Charge Voltage Limit", .unsigned(decimals: 1), .voltage.diagnostic, within: 0...100,
      "BMS Modbus V1.7", .document),
    Field(
      5050, "discharge_voltage_limit", "Discharge Voltage Limit", .unsigned(decimals: 1), .voltage.diagnostic, within: 0...100,
      "BMS Modbus V1.7", .document),
    Field(
      5051, "charge_current_limit", "Charge Current Limit", .unsigned(decimals: 2), .current.diagnostic, within: 0...500,
      "BMS Modbus V1.7", .document),
    Field(
      5052, "discharge_current_limit", "Discharge Current Limit", .signed(decimals: 2), .current.diagnostic, within: -500...500,
      "BMS Modbus V1.7", .document),
    Field(5000, "cell_count", "Cells", .unsigned(), .number, within: 1...16, "f005"),
    Field(5106, "charge_mosfet", "Charge MOSFET", .flag(1), .onOff.diagnostic, "f041"),
    Field(5106, "discharge_mosfet", "Discharge MOSFET", .flag(2), .onOff.diagnostic, "f041"),
    Field(5107, "heater", "Heater", .flag(13), .onOff.diagnostic, "BMS Modbus V1.7", .document),
    Field(5223, "device_id", "Device ID", .unsigned(), .number, within: 1...255, "BMS Modbus V1.7", .document),
    Field(5110, "serial_number", "Serial Number", .text(words: 8), .words, "f002, f031"),
    Field(5122, "model", "Model", .text(words: 8), .words, "f021"),
    Field(5130, "firmware_version", "Firmware", .text(words: 2), .words, "f028"),
  ]

  private static let cells = (1...16).map { number in
    Field(
      5000 + UInt16(number), "cell_voltage_\(number)", "Cell \(number) Voltage", .cellVoltage, .voltage.diagnostic,
      within: 0.5...5, counted: (by: 5000, number: number), "f005")
  }

  private static let temperatures = (1...16).map { number in
    Field(
      5017 + UInt16(number), "temperature_\(number)", "Temperature \(number)", .signed(decimals: 1), .temperature,
      within: -60...120, counted: (by: 5017, number: number), "f005, f039")
  }

  private static let batteryAlarms: [Field] = [
    // Not of RNGPRO: a healthy one says 0x000000AA there (f047).
    Field(
      5100, "alarms", "Alarms", .levels(words: 2, (1...16).map { "cell \($0) voltage" }), .words,
      of: ["legacy", "pro", "rngc"], "BMS Modbus V1.7", .document),
    Field(
      5102, "alarms", "Alarms", .levels(words: 2, (1...16).map { "cell \($0) temperature" }), .words, "BMS Modbus V1.7",
      .document),
    Field(
      5104, "alarms", "Alarms",
      .levels(
        words: 2,
        [nil, nil, nil, nil, nil, nil, nil, nil, nil] + [
          "discharge current", "charge current", "heater 2 temperature", "heater 1 temperature", "environment 2 temperature",
          "environment 1 temperature", "board temperature",
        ]), .words, "BMS Modbus V1.7", .document),
    // Bits 1 to 3 are states: 0x000E is a healthy one.
    Field(5106, "alarms", "Alarms", .faults(words: 1, protections), .words, "f002, f027"),
    Field(5107, "alarms", "Alarms", .faults(words: 1, warnings), .words, "f002"),
    // Of the same cells whose voltages 5100 tells of.
    Field(
      5108, "alarms", "Alarms",
      .faults(words: 1, Dictionary(uniqueKeysWithValues: (0..<16).map { ($0, "cell \($0 + 1) voltage error") })), .words,
      "BMS Modbus V1.7", .document
    ).supplement,
  ]

  private static let protections: [Int: String] = [
    15: "module under-voltage", 14: "charge over-temperature", 13: "charge under-temperature",
    12: "discharge over-temperature", 11: "discharge under-temperature", 10: "discharge over-current",
    9: "charge over-current", 8: "cell over-voltage", 7: "cell under-voltage", 6: "module over-voltage",
    5: "discharge over-current 2", 4: "charge over-current 2", 0: "short circuit",
  ]

  private static let warnings: [Int: String] = [
    7: "discharge temperature high", 6: "discharge temperature low", 5: "charge temperature high", 4: "charge temperature low",
    3: "module voltage high", 2: "module voltage low", 1: "cell voltage high", 0: "cell voltage low",
  ]

  private static let batteryDerived: [Field] = [
    Field(
      derived: "battery_soc", "Battery SOC", decimals: 1, .battery, within: 0...100, "100 x remaining_capacity / capacity"),
    Field(
      derived: "battery_power", "Battery Power", decimals: 3, .power, within: -50_000...50_000,
      "battery_voltage x battery_current"),
    Field(derived: "cell_voltage_min", "Lowest Cell Voltage", decimals: 3, .voltage, within: 0.5...5, "the lowest of the cells"),
    Field(
      derived: "cell_voltage_max", "Highest Cell Voltage", decimals: 3, .voltage, within: 0.5...5, "the highest of the cells"),
    Field(
      derived: "cell_voltage_delta", "Cell Voltage Spread", decimals: 3, .voltage.diagnostic, within: 0...4.5,
      "the highest less the lowest"),
    Field(derived: "problem", "Problem", .problem, "whether there are alarms"),
  ]

  @Sendable private static func deriveBattery(_ decoding: inout Decoding, _ fields: [String: Field]) {
    func derive(_ key: String, _ value: Double?) {
      if let field = fields[key] { decoding.derive(field, value) }
    }
    if let remaining = decoding.number("remaining_capacity"), let capacity = decoding.number("capacity"), capacity > 0 {
      derive("battery_soc", 100 * remaining / capacity)
    }
    if let volts = decoding.number("battery_voltage"), let amperes = decoding.number("battery_current") {
      derive("battery_power", volts * amperes)
    }
    let voltages = (1...16).compactMap { decoding.number("cell_voltage_\($0)") }
    // Of all cells, or of none: the lowest may be the one that is missing.
    if let lowest = voltages.min(), let highest = voltages.max(), decoding.number("cell_count") == Double(voltages.count) {
      derive("cell_voltage_min", lowest)
      derive("cell_voltage_max", highest)
      derive("cell_voltage_delta", highest - lowest)
    }
    if case .text(let alarms) = decoding.readings["alarms"]?.value, let field = fields["problem"] {
      decoding.derive(field, alarms == "none" ? "off" : "on")
    }
  }
}
