extension Profile {
  /// Solar charge controllers (Rover, Wanderer, Adventurer and their kin by SRNE): the vendor's "Rover 20A/40A MODBUS" and "Charge
  /// Controller RS485 V1.7", and captured frames.
  package static let controller = Profile(
    name: "controller",
    replyTimeout: .seconds(3),
    required: [
      "battery_soc", "battery_voltage", "battery_current", "controller_temperature", "battery_temperature", "load_voltage",
      "load_current", "load_power", "solar_voltage", "solar_current", "solar_power", "power_generation_today",
      "power_consumption_today", "power_generation_total", "charging_status", "load_status",
    ],
    blocks: [
      // 0x0122 is reserved, and some refuse it.
      Block(0x0100, 34, .required),
      Block(0x000C, 8, .optional),
      Block(0xE004, 1, .optional),
      Block(0x001A, 1, .optional),
      Block(0x0014, 4, .optional),
      Block(0x0018, 2, .optional),
      Block(0xE002, 2, .optional),
    ],
    fields: shared + [
      // Into the battery: never negative, and what the load takes is not in it.
      Field(0x0102, "battery_current", "Battery Current", .unsigned(decimals: 2), .current, within: 0...500, "f075"),
      Field(0x0104, "load_voltage", "Load Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "f075"),
      Field(0x0105, "load_current", "Load Current", .unsigned(decimals: 2), .current, within: 0...500, "f075"),
      Field(0x0106, "load_power", "Load Power", .unsigned(), .power, within: 0...20_000, "f075"),
      Field(0x0107, "solar_voltage", "Solar Voltage", .unsigned(decimals: 1), .voltage, within: 0...600, "f075"),
      Field(0x0108, "solar_current", "Solar Current", .unsigned(decimals: 2), .current, within: 0...500, "f075"),
      Field(0x0109, "solar_power", "Solar Power", .unsigned(), .power, within: 0...20_000, "f075"),
      Field(
        0x010E, "discharging_current_max_today", "Highest Discharging Current Today", .unsigned(decimals: 2), .current,
        within: 0...500, "f075"),
      Field(
        0x0110, "discharging_power_max_today", "Highest Discharging Power Today", .unsigned(), .power, within: 0...20_000, "f075"),
      Field(0x0112, "discharging_amp_hours_today", "Discharge Today", .unsigned(), .chargeToday, within: 0...20_000, "f075"),
      Field(0x0114, "power_consumption_today", "Consumption Today", .unsigned(), .energyToday, "f075"),
      Field(0x011A, "discharging_amp_hours_total", "Discharge", .unsigned32(), .chargeTotal, within: 0...100_000_000, "f077"),
      Field(
        0x011E, "power_consumption_total", "Consumption", .unsigned32(), .energyTotal, within: 0...4_000_000_000, "f077"),
      Field(0x0120, "load_status", "Load", .flag(15), .onOff, "f075"),
      Field(0x0120, "load_brightness", "Load Brightness", .bits(8..<15), .share, within: 0...100, "f096", .document),
      Field(
        0x0120, "charging_status", "Charging Status",
        .state([
          0: "deactivated", 1: "activated", 2: "mppt", 3: "equalizing", 4: "boost", 5: "floating", 6: "current limiting",
        ]), .state, "f075"),
      Field(0x0121, "faults", "Faults", .faults(words: 1, controllerFaults), .words, "f098", .document),
      Field(
        0xE004, "battery_type", "Battery Type",
        .state([0: "user", 1: "open", 2: "sealed", 3: "gel", 4: "lithium", 5: "custom", 6: "lithium 48 V"]), .state.diagnostic,
        "captured (renogy-ble)"),
    ],
    dayPage: DayPage(first: 0xF000, words: 10, fields: dayFields))

  /// What controllers and DC-DC chargers have in common.
  static let shared: [Field] = [
    Field(0x0100, "battery_soc", "Battery SOC", .unsigned(), .battery, within: 0...100, "f075, f066"),
    Field(0x0101, "battery_voltage", "Battery Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "f075, f066"),
    // The controller's in the high byte; sign and magnitude, not two's complement: -1 °C was shown as -127.
    Field(
      0x0103, "controller_temperature", "Controller Temperature", .signMagnitude(8..<16), .temperature, within: -60...120,
      "f076, f066"),
    Field(
      0x0103, "battery_temperature", "Battery Temperature", .signMagnitude(0..<8), .temperature, within: -60...120, "f076, f066"),
    Field(
      0x010B, "battery_voltage_min_today", "Lowest Battery Voltage Today", .unsigned(decimals: 1), .voltage, within: 0...100,
      "f075"),
    Field(
      0x010C, "battery_voltage_max_today", "Highest Battery Voltage Today", .unsigned(decimals: 1), .voltage, within: 0...100,
      "f075"),
    Field(
      0x010D, "charging_current_max_today", "Highest Charging Current Today", .unsigned(decimals: 2), .current, within: 0...500,
      "f075"),
    Field(0x010F, "charging_power_max_today", "Highest Charging Power Today", .unsigned(), .power, within: 0...20_000, "f075"),
    Field(0x0111, "charging_amp_hours_today", "Charge Today", .unsigned(), .chargeToday, within: 0...20_000, "f075"),
    // Plain Wh, though the vendor's document says kWh/10000: Wh by Ah is the battery's voltage in every capture.
    Field(0x0113, "power_generation_today", "Generation Today", .unsigned(), .energyToday, "f075"),
    Field(0x0115, "operating_days", "Operating Days", .unsigned(), .days, within: 0...50_000, "f075"),
    Field(0x0116, "over_discharges", "Over-Discharges", .unsigned(), .times, "f075"),
    Field(0x0117, "full_charges", "Full Charges", .unsigned(), .times, "f075"),
    Field(0x0118, "charging_amp_hours_total", "Charge", .unsigned32(), .chargeTotal, within: 0...100_000_000, "f077"),
    Field(0x011C, "power_generation_total", "Generation", .unsigned32(), .energyTotal, within: 0...4_000_000_000, "f075"),
    // 16 characters: whoever reads 14 loses the end of "RNG-CTRL-RVR40".
    Field(0x000C, "model", "Model", .text(words: 8), .words, "f056"),
    Field(0x0014, "firmware_version", "Firmware", .version, .words, "f064"),
    Field(0x0016, "hardware_version", "Hardware", .version, .words, "f064"),
    Field(0x0018, "serial_number", "Serial Number", .hex(words: 2), .words, "f065"),
    Field(0x001A, "device_id", "Device ID", .bits(0..<8), .number, within: 1...255, "f057, f065"),
    Field(0xE002, "battery_capacity", "Battery Capacity", .unsigned(), .capacity.diagnostic, within: 1...10_000, "f069"),
    // The low byte: as the device found it, where the high one says how it was set.
    Field(0xE003, "system_voltage", "System Voltage", .bits(0..<8), .voltage.diagnostic, within: 6...96, "f069"),
  ]

  /// The vendor's two tables disagree on bits 1 and 2; error codes E2 and E3 decide.
  private static let controllerFaults: [Int: String] = [
    15: "fan", 14: "charge mos short circuit", 13: "anti-reverse mos short circuit", 12: "pv reversed",
    11: "pv working-point over-voltage", 10: "pv counter-current", 9: "pv input over-voltage", 8: "pv input short circuit",
    7: "pv over-power", 6: "ambient temperature high", 5: "controller temperature high", 4: "load over-power",
    3: "load short circuit", 2: "battery under-voltage", 1: "battery over-voltage", 0: "battery over-discharge",
  ]

  private static let dayFields: [Field] = [
    Field(
      0, "battery_voltage_min", "Lowest Battery Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "Rover MODBUS",
      .document),
    Field(
      1, "battery_voltage_max", "Highest Battery Voltage", .unsigned(decimals: 1), .voltage, within: 0...100, "Rover MODBUS",
      .document),
    Field(
      2, "charging_current_max", "Highest Charging Current", .unsigned(decimals: 2), .current, within: 0...500, "Rover MODBUS",
      .document),
    Field(
      3, "discharging_current_max", "Highest Discharging Current", .unsigned(decimals: 2), .current, within: 0...500,
      "Rover MODBUS", .document),
    Field(4, "charging_power_max", "Highest Charging Power", .unsigned(), .power, within: 0...20_000, "Rover MODBUS", .document),
    Field(
      5, "discharging_power_max", "Highest Discharging Power", .unsigned(), .power, within: 0...20_000, "Rover MODBUS", .document),
    Field(6, "charging_amp_hours", "Charge", .unsigned(), .chargeToday, within: 0...20_000, "Rover MODBUS", .document),
    Field(7, "discharging_amp_hours", "Discharge", .unsigned(), .chargeToday, within: 0...20_000, "Rover MODBUS", .document),
    Field(8, "power_generation", "Generation", .unsigned(), .energyToday, "Rover MODBUS", .document),
    Field(9, "power_consumption", "Consumption", .unsigned(), .energyToday, "Rover MODBUS", .document),
  ]
}
