extension Profile {
  /// DC-DC chargers (DCC30S, DCC50S, RBC20 to RBC50 D1S and D1U): the vendor's DCC sheets, and captured frames.
  package static let dcdc = Profile(
    name: "dcdc",
    replyTimeout: .seconds(3),
    required: [
      "battery_soc", "battery_voltage", "charging_current", "controller_temperature", "battery_temperature",
      "alternator_voltage", "alternator_current", "alternator_power", "solar_voltage", "solar_current", "charging_power",
    ],
    blocks: [
      Block(0x0100, 30, .required),
      Block(0x000C, 8, .optional),
      Block(0xE004, 1, .optional),
      Block(0x001A, 1, .optional),
      Block(0x0014, 4, .optional),
      Block(0x0018, 2, .optional),
      Block(0xE002, 2, .optional),
      // The -G6 units never answer it; they have its first two registers at the end of 34 words, and nothing beyond.
      Block(0x0120, 7, .optional),
      Block(0x0100, 34, .optional, insteadOf: "288/7"),
    ],
    fields: shared + [
      Field(0x0102, "charging_current", "Charging Current", .unsigned(decimals: 2), .current, within: 0...500, "f066"),
      // The starter battery's, also while nothing flows.
      Field(0x0104, "alternator_voltage", "Alternator Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "f066"),
      Field(0x0105, "alternator_current", "Alternator Current", .unsigned(decimals: 2), .current, within: 0...500, "f066"),
      Field(0x0106, "alternator_power", "Alternator Power", .unsigned(), .power, within: 0...20_000, "f066"),
      Field(0x0107, "solar_voltage", "Solar Voltage", .unsigned(decimals: 1), .voltage, within: 0...600, "f067"),
      Field(0x0108, "solar_current", "Solar Current", .unsigned(decimals: 2), .current, within: 0...500, "f067"),
      // All that goes into the house battery: 374 W from the alternator while the sun gave none.
      Field(0x0109, "charging_power", "Charging Power", .unsigned(), .power, within: 0...20_000, "f067"),
      Field(
        0x0120, "charging_status", "Charging Status",
        .state([
          0: "standby", 2: "mppt", 3: "equalizing", 4: "boost", 5: "floating", 6: "current limiting", 8: "direct",
        ]), .state, "f060"),
      Field(0x0121, "faults", "Faults", .faults(words: 1, firstFaults), .words, "DCC Modbus V1.7", .document),
      Field(0x0122, "faults", "Faults", .faults(words: 1, secondFaults), .words, "DCC Modbus V1.7", .document),
      Field(0x0124, "output_power", "Output Power", .unsigned(), .power, within: 0...20_000, "f060"),
      Field(
        0x0125, "charging_mode", "Charging Mode",
        .state([
          0: "standby", 1: "alternator to house", 2: "house to starter", 3: "solar to house", 4: "solar and alternator to house",
          5: "solar to starter",
        ]), .state, "f060"),
      Field(0x0126, "ignition", "Ignition", .state([0: "disconnected", 1: "connected"]), .state, "renogy-ble", .claimed),
      Field(
        0xE004, "battery_type", "Battery Type", .state([0: "custom", 1: "open", 2: "sealed", 3: "gel", 4: "lithium"]),
        .state.diagnostic, "f069"),
      Field(derived: "solar_power", "Solar Power", decimals: 1, .power, within: 0...20_000, "solar_voltage x solar_current"),
    ],
    derive: { decoding, fields in
      guard let field = fields["solar_power"], let volts = decoding.number("solar_voltage"),
        let amperes = decoding.number("solar_current")
      else { return }
      decoding.derive(field, volts * amperes)
    })

  private static let firstFaults: [Int: String] = [
    4: "controller over-temperature", 5: "alternator over-current", 8: "alternator over-voltage",
    9: "starter battery reversed", 10: "bms over-charge protection", 11: "battery too cold",
  ]

  private static let secondFaults: [Int: String] = [
    0: "battery over-discharge", 1: "battery over-voltage", 2: "battery under-voltage", 5: "controller over-temperature",
    6: "battery over-temperature", 7: "solar over-power", 8: "fan", 9: "solar over-voltage", 12: "solar reversed",
  ]
}
