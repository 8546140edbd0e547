extension Profile {
  /// REGO and RIV inverters and inverter-chargers (RIV1230RCH-SPS, RIV4835CSH1S): the vendor's "Inverter Modbus V1.8" and
  /// captured frames. Keys, names and units are those that users' automations already name.
  package static let inverter = Profile(
    name: "inverter",
    otherUnit: 32,
    // Two seconds are too short for some inverters' first block; most answer within 0.4 s.
    replyTimeout: .seconds(5),
    required: [
      "input_voltage", "input_current", "output_voltage", "output_current", "output_frequency", "battery_voltage", "temperature",
      "input_frequency", "battery_percentage", "charging_current", "solar_voltage", "solar_current", "solar_power",
      "charging_status", "charging_power",
    ],
    blocks: [
      // Exactly ten words: asked for 32, a RIV4835CSH1S does not answer (f108).
      Block(4000, 10, .required),
      Block(4327, 7, .required),
      // First of the optional ones: the sign of the charging current depends on it.
      Block(4311, 8, .optional),
      Block(4408, 6, .optional),
      Block(4109, 1, .optional),
      Block(4398, 4, .optional),
      Block(4405, 1, .optional),
      Block(4543, 4, .optional),
      Block(4554, 4, .optional),
      Block(4112, 9, .optional),
      Block(4319, 8, .optional),
    ],
    fields: inverterFields.map { field in
      var field = field
      // "Not supported" in this family, in signed registers too (the vendor's Inverter Modbus V1.8): a true -0.1 is missing for a poll.
      field.absent = field.coding.isSigned ? [0xFFFF, 0x8000] : [0xFFFF]
      return field
    },
    // Of the RIV1230PCH nobody has shown which way its current is positive.
    variant: { _, model in
      guard let model else { return nil }
      return ["RIV1230RCH": "rego", "RIV4835": "riv4835"].first { model.hasPrefix($0.key) }?.value
    })

  private static let inverterFields: [Field] = [
    Field(4000, "input_voltage", "AC Input Voltage", .unsigned(decimals: 1), .voltage, within: 0...400, "f048"),
    Field(4001, "input_current", "AC Input Current", .unsigned(decimals: 2), .current, within: 0...200, "f048"),
    Field(4002, "output_voltage", "AC Output Voltage", .unsigned(decimals: 1), .voltage, within: 0...400, "f048"),
    Field(4003, "output_current", "AC Output Current", .unsigned(decimals: 2), .current, within: 0...200, "f048"),
    Field(4004, "output_frequency", "AC Output Frequency", .unsigned(decimals: 2), .frequency, within: 0...100, "f048"),
    Field(4005, "battery_voltage", "Battery Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "f048"),
    Field(4006, "temperature", "Inverter Temperature", .signed(decimals: 1), .temperature, within: -50...150, "f048"),
    // Word 9: word 8 is the low half of the status bits, though one project reads it as the frequency.
    Field(4009, "input_frequency", "AC Input Frequency", .unsigned(decimals: 2), .frequency, within: 0...100, "f048"),
    Field(4327, "battery_percentage", "Battery SOC", .unsigned(), .battery, within: 0...100, "captured (renogy-ble)"),
    // Positive while charging on the RIV1230; negative while charging on the RIV4835 (-49.5 A with 2535 W): turned here.
    Field(
      4328, "charging_current", "Battery Charging Current", .signedByVariant(decimals: 1, ["rego": 1, "riv4835": -1]), .current,
      within: -500...500, "captured (renogy-ble)"),
    Field(
      4329, "solar_voltage", "Solar Input Voltage", .unsigned(decimals: 1), .voltage, within: 0...600, "captured (renogy-ble)"),
    Field(
      4330, "solar_current", "Solar Input Current", .unsigned(decimals: 1), .current, within: 0...500, "captured (renogy-ble)"),
    Field(4331, "solar_power", "Solar Input Power", .unsigned(), .power, within: 0...20_000, "captured (renogy-ble)"),
    Field(4332, "charging_status", "Charging Status", .state(inverterCharging), .state, "Inverter Modbus V1.8", .document),
    Field(4333, "charging_power", "Charging Power", .unsigned(), .power, within: 0...20_000, "captured (renogy-ble)"),
    Field(4311, "model", "Inverter Model", .text(words: 8), .words, "captured (renogy-ble)"),
    // 0.1 A: 1.2 A beside an output current of 1.19 A, and 150 VA / 124.9 V.
    Field(4408, "load_current", "Load Current", .unsigned(decimals: 1), .current, within: 0...500, "f051"),
    Field(4409, "load_active_power", "AC Load Power", .unsigned(), .power, within: 0...20_000, "f051"),
    Field(4410, "load_apparent_power", "AC Apparent Power", .unsigned(), .apparentPower, within: 0...20_000, "f051"),
    Field(4412, "line_charging_current", "Line Charging Current", .unsigned(decimals: 1), .current, within: 0...500, "f051"),
    Field(4413, "load_percentage", "Load Percentage", .unsigned(), .share, within: 0...300, "f051"),
    Field(4109, "device_id", "Device ID", .unsigned(), .number, within: 1...255, "Inverter Modbus V1.8", .document),
    Field(4405, "machine_state", "Machine State", .state(machineStates), .state, "Inverter Modbus V1.8, renogy-ble", .document),
    Field(4007, "faults", "Faults", .faults(words: 2, statusBits), .words, "Inverter Modbus V1.8", .document),
    // A finer account of the same, which not every model has.
    Field(4398, "faults", "Faults", .codes(words: 4, faultCodes), .words, "Inverter Modbus V1.8", .document).supplement,
    Field(
      4543, "charging_amp_hours_today", "Charge Today", .unsigned(), .chargeToday, within: 0...20_000, "Inverter Modbus V1.8",
      .document),
    Field(
      4544, "discharging_amp_hours_today", "Discharge Today", .unsigned(), .chargeToday, within: 0...20_000,
      "Inverter Modbus V1.8", .document),
    Field(
      4545, "solar_energy_today", "Solar Energy Today", .unsigned(decimals: 1), .energyTodayKWh, within: 0...1000,
      "Inverter Modbus V1.8", .document),
    Field(
      4546, "load_energy_today", "Load Energy Today", .unsigned(decimals: 1), .energyTodayKWh, within: 0...1000,
      "Inverter Modbus V1.8", .document),
    Field(
      4554, "solar_energy_total", "Solar Energy", .unsigned32(decimals: 1), .energyTotalKWh, within: 0...10_000_000,
      "Inverter Modbus V1.8", .document),
    Field(
      4556, "load_energy_total", "Load Energy", .unsigned32(decimals: 1), .energyTotalKWh, within: 0...10_000_000,
      "Inverter Modbus V1.8", .document),
    Field(4112, "serial_number", "Serial Number", .text(words: 9), .words, "Inverter Modbus V1.8", .document),
    Field(4319, "firmware_version", "Firmware", .text(words: 8), .words, "renogy-ble", .claimed),
  ]

  private static let inverterCharging: [UInt8: String] = [
    0: "off", 1: "constant current", 2: "constant voltage", 4: "float", 6: "battery activation", 7: "battery disconnecting",
  ]

  private static let machineStates: [UInt8: String] = [
    0: "power-on delay", 1: "waiting", 2: "initialising", 3: "soft start", 4: "mains", 5: "inverter", 6: "inverter to mains",
    7: "mains to inverter", 8: "hybrid", 10: "shutdown", 11: "fault", 12: "load sensing",
  ]

  /// Bits 20 (eco mode), 15 (no mains), 11 (line-interactive), 10 (test) and 8 (beeper) are states, and no faults.
  private static let statusBits: [Int: String] = [
    31: "input under-voltage", 30: "input over-voltage", 29: "output overload", 28: "dc-dc overload",
    27: "dc-dc over-current", 26: "bus over-voltage", 25: "ground fault", 24: "over-temperature", 23: "output short circuit",
    22: "output under-voltage", 21: "output over-voltage", 14: "battery low", 13: "apr", 12: "ups failure",
    9: "shutdown active", 7: "fan locked", 6: "overload", 5: "short circuit", 4: "battery bad",
  ]

  /// 12 alone is no more than "there is no mains".
  private static let faultCodes: [UInt16: String] = [
    1: "battery under-voltage", 2: "discharge over-current", 3: "battery not detected",
    4: "discharge stopped by under-voltage", 5: "battery over-current", 6: "charge over-voltage",
    7: "bus over-voltage (hardware)", 8: "bus over-voltage", 9: "solar over-voltage", 10: "solar charger over-current",
    11: "solar charger over-current (hardware)", 12: "no mains", 13: "bypass overload", 14: "inverter overload",
    15: "inverter over-current (hardware)", 16: "inverter over-current", 17: "inverter short circuit",
    18: "mains charger over-current", 19: "solar heatsink hot", 20: "inverter heatsink hot", 21: "fan", 22: "memory",
    23: "wrong model setting", 24: "switched off by command", 25: "bus short circuit", 26: "relay short circuit",
    27: "mains charger hot", 28: "input and output reversed", 29: "bus under-voltage", 30: "battery below 10 %",
    31: "battery below 5 %", 32: "battery low shutdown",
  ]
}
