extension Profile {
  /// REGO and RIV inverters and inverter-chargers (RIV1230RCH-SPS, RIV4835CSH1S): the vendor's "Inverter Modbus V1.8" and
  /// captured frames. Keys, names and units are those that users' automations already name.
  package static let inverter = Profile(
    name: "inverter",
    unit: ReadRequest.anyUnit,
    otherUnit: 32,
    // Two seconds are too short for some inverters' first block; most answer within 0.4 s.
    replyTimeout: .seconds(5),
    blocks: [
      // Exactly ten words: asked for 32, a RIV4835CSH1S does not answer.
      Block(
        4000, 10, .required,
        [
          Field(4000, "input_voltage", "AC Input Voltage", .unsigned(decimals: 1), "V", within: 0...400),
          Field(4001, "input_current", "AC Input Current", .unsigned(decimals: 2), "A", within: 0...200),
          Field(4002, "output_voltage", "AC Output Voltage", .unsigned(decimals: 1), "V", within: 0...400),
          Field(4003, "output_current", "AC Output Current", .unsigned(decimals: 2), "A", within: 0...200),
          Field(4004, "output_frequency", "AC Output Frequency", .unsigned(decimals: 2), "Hz", within: 0...100),
          Field(4005, "battery_voltage", "Battery Voltage", .unsigned(decimals: 1), "V", within: 0...100),
          Field(4006, "temperature", "Inverter Temperature", .signed(decimals: 1), "°C", within: -50...150),
          // Word 9: word 8 is the low half of the status bits, though one project reads it as the frequency.
          Field(4009, "input_frequency", "AC Input Frequency", .unsigned(decimals: 2), "Hz", within: 0...100),
        ]),
      Block(
        4327, 7, .required,
        [
          Field(4327, "battery_percentage", "Battery SOC", .unsigned(), "%", within: 0...100),
          // Positive while charging on the RIV1230; negative while charging on the RIV4835 (-49.5 A with 2535 W): turned here.
          Field(
            4328, "charging_current", "Battery Charging Current",
            .signedByModel(decimals: 1, ["RIV1230": 1, "RIV4835": -1]), "A", within: -500...500),
          Field(4329, "solar_voltage", "Solar Input Voltage", .unsigned(decimals: 1), "V", within: 0...600),
          Field(4330, "solar_current", "Solar Input Current", .unsigned(decimals: 1), "A", within: 0...500),
          Field(4331, "solar_power", "Solar Input Power", .unsigned(), "W", within: 0...20_000),
          Field(
            4332, "charging_status", "Charging Status",
            .state([
              0: "off", 1: "constant current", 2: "constant voltage", 4: "float", 6: "battery activation",
              7: "battery disconnecting",
            ])),
          Field(4333, "charging_power", "Charging Power", .unsigned(), "W", within: 0...20_000),
        ]),
      // First of the optional ones: the sign of the charging current depends on it.
      Block(4311, 8, .optional, [Field(4311, "model", "Inverter Model", .text(words: 8))]),
      Block(
        4408, 6, .optional,
        [
          // 0.1 A: 1.2 A beside an output current of 1.19 A, and 150 VA / 124.9 V.
          Field(4408, "load_current", "Load Current", .unsigned(decimals: 1), "A", within: 0...500),
          Field(4409, "load_active_power", "AC Load Power", .unsigned(), "W", within: 0...20_000),
          Field(4410, "load_apparent_power", "AC Apparent Power", .unsigned(), "VA", within: 0...20_000),
          Field(4412, "line_charging_current", "Line Charging Current", .unsigned(decimals: 1), "A", within: 0...500),
          Field(4413, "load_percentage", "Load Percentage", .unsigned(), "%", within: 0...300),
        ]),
      Block(4109, 1, .optional, [Field(4109, "device_id", "Device ID", .unsigned(), within: 1...255)]),
    ])
}
