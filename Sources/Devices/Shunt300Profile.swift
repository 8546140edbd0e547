extension Profile {
  /// The Smart Shunt 300: it speaks no Modbus, and pushes frames (`ShuntFrame`).
  package static let shunt300 = Profile(
    name: "shunt300",
    // For a whole frame to come: they are pushed again and again.
    replyTimeout: .seconds(10),
    gatt: .shunt,
    required: ["battery_current", "battery_voltage", "battery_soc"],
    blocks: [],
    fields: [
      // Negative while discharging, as two projects of three have it.
      Field(
        pushed: "battery_current", "Battery Current", byte: 21, bytes: 3, isSigned: true, decimals: 3, .current,
        within: -500...500, "f112"),
      Field(
        pushed: "battery_voltage", "Battery Voltage", byte: 25, bytes: 3, decimals: 3, .voltage, within: 6...80, "f112"),
      Field(pushed: "battery_soc", "Battery SOC", byte: 34, bytes: 2, decimals: 1, .battery, within: 0...100, "f112"),
      // 0 where none is wired: that is what it measures.
      Field(
        pushed: "starter_voltage", "Starter Battery Voltage", byte: 30, bytes: 2, decimals: 3, .voltage, within: 0...80, "f112"),
      // -3276.8 with no probe.
      Field(
        pushed: "battery_temperature", "Battery Temperature", byte: 66, bytes: 2, isSigned: true, decimals: 1, .temperature,
        within: -60...120, "renogy-bt, renogy-ble", .claimed),
      Field(
        derived: "battery_power", "Battery Power", decimals: 3, .power, within: -50_000...50_000,
        "battery_voltage x battery_current"),
    ],
    derive: { decoding, fields in
      guard let field = fields["battery_power"], let volts = decoding.number("battery_voltage"),
        let amperes = decoding.number("battery_current")
      else { return }
      decoding.derive(field, volts * amperes)
    })
}

extension Field {
  /// One of a frame that is pushed.
  fileprivate init(
    pushed key: String, _ name: String, byte: Int, bytes: Int, isSigned: Bool = false, decimals: Int, _ quantity: Quantity,
    within plausible: ClosedRange<Double>, _ source: String, _ proof: Proof = .proved
  ) {
    self.init(derived: key, name, decimals: decimals, quantity, within: plausible, source)
    coding = .pushed(byte: byte, bytes: bytes, isSigned: isSigned, decimals: decimals)
    self.proof = proof
  }
}
