import Devices
import Readings
import Testing

/// One poll of each family, over a link.
@Suite struct FamilyTests {
  func module(unit: UInt8, _ runs: [UInt16: [UInt16]]) -> ScriptedModule {
    let module = ScriptedModule()
    module.unit = unit
    module.registers = [:]
    for (register, words) in runs {
      for (offset, word) in words.enumerated() { module.registers[register + UInt16(offset)] = word }
    }
    return module
  }

  /// The words of a captured reply.
  func words(_ id: String) -> [UInt16] {
    let data = (CapturedFrame[id].response ?? []).dropFirst(3).dropLast(2)
    return stride(from: data.startIndex, to: data.endIndex, by: 2).map { UInt16(data[$0]) << 8 | UInt16(data[$0 + 1]) }
  }

  func poll(
    _ module: ScriptedModule, _ profile: Profile, name: String? = nil, unit: UInt8? = nil, skip: [String] = [], days: Int = 0
  ) throws -> DevicePoll<ScriptedModule>.Outcome {
    try DevicePoll(
      DeviceRequest(name: "It", profile: profile.name, unit: unit, skip: skip, days: days), profile: profile, name: name,
      link: module, deadline: .now + .seconds(60)
    ).run()
  }

  var legacyBattery: ScriptedModule {
    module(unit: 48, [5042: words("f001"), 5000: words("f005"), 5104: words("f002"), 5100: [0, 0, 0, 0]])
  }

  @Test func `a battery behind a dongle: cells, temperatures, charge and what is computed of them`() throws {
    let readings = try poll(legacyBattery, .battery, name: "BT-TH-66F94E1C", unit: 48).result.get()
    func number(_ key: String) -> Double? { if case .number(let number) = readings.readings[key]?.value { number } else { nil } }
    #expect(number("battery_voltage") == 52.4 && number("battery_current") == 0 && number("battery_soc") == 99.7)
    #expect(number("cell_count") == 15 && number("cell_voltage_10") == 3.5 && number("cell_voltage_16") == nil)
    #expect(number("cell_voltage_min") == 3.4 && number("cell_voltage_max") == 3.5 && number("cell_voltage_delta") == 0.1)
    #expect(number("temperature_15") == 14 && number("temperature_16") == nil)
    #expect(readings.readings["alarms"] == Reading(.text("none")) && readings.readings["problem"] == Reading(.text("off")))
    #expect(readings.readings["charge_mosfet"] == Reading(.text("on")))
    #expect(readings.model == "RBT50LFP48S" && readings.readings["firmware_version"] == Reading(.text("V104")))
    #expect(
      Set(readings.derived) == [
        "battery_soc", "battery_power", "cell_voltage_min", "cell_voltage_max", "cell_voltage_delta", "problem",
      ])
  }

  @Test(arguments: [("RNGRBP1228000830", 3.0), ("RNGPRO125BAT-EF036881", 0.3), ("BT-TH-66F94E1C", 0.3)])
  func `the advertised name says how a battery's current is coded`(name: String, amperes: Double) throws {
    let battery = module(unit: 48, [5042: [30, 524, 0, 49_842, 0, 50_000]])
    #expect(
      try poll(battery, .battery, name: name).result.get().readings["battery_current"] == Reading(.number(amperes), unit: "A"))
  }

  @Test func `a name of no known family tells no scale`() throws {
    let readings = try poll(legacyBattery, .battery, name: "Renogy", unit: 48).result.get()
    #expect(readings.readings["battery_current"] == nil && readings.readings["battery_voltage"] != nil)
  }

  @Test func `at unit 255 what two devices say is not one's`() throws {
    let battery = legacyBattery
    // The second block is answered by a neighbour.
    let other = module(unit: 49, [5000: words("f008")])
    let answer = other.reply(to: ReadRequest(unit: 49, register: 5000, words: 34).frame)
    battery.instead[2] = answer
    let readings = try poll(battery, .battery, name: "BT-TH-1").result.get()
    #expect(readings.unit == 48 && readings.readings["cell_count"] == nil && readings.model == "RBT50LFP48S")
  }

  @Test func `"not supported" among fault words is no fault`() throws {
    func faults(_ runs: [UInt16: [UInt16]]) -> Reading? {
      Profile.inverter.decode(Answers(runs), name: nil, model: nil).readings["faults"]
    }
    #expect(faults([4007: [0, 0], 4398: [0, 0xFFFF, 0xFFFF, 0xFFFF]]) == Reading(.text("none")))
    #expect(faults([4398: [1, 0xFFFF, 0xFFFF, 0xFFFF]]) == Reading(.text("battery under-voltage")))
    #expect(faults([4007: [0xFFFF, 0]]) == nil)
    #expect(faults([4007: [0x0100, 0]]) == Reading(.text("over-temperature")))
  }

  @Test(arguments: [("RIV1230RCH-SPS", false), ("RIV1230PCH-23S", true)])
  func `which way a current is positive is not supposed of another model`(model: String, isRaw: Bool) {
    let decoding = Profile.inverter.decode(Answers([4327: [80, 7, 617, 105, 650, 1, 10]]), name: nil, model: model)
    #expect(decoding.rawSign == (isRaw ? ["charging_current"] : []))
  }

  @Test func `without a name the current is left out, and all else is there`() throws {
    let readings = try poll(legacyBattery, .battery, unit: 48).result.get()
    #expect(readings.readings["battery_current"] == nil && readings.readings["battery_power"] == nil)
    #expect(readings.readings["battery_voltage"] == Reading(.number(52.4), unit: "V"))
  }

  @Test func `-1 and -10 mA are values of a battery, not "unsupported"`() throws {
    let battery = module(unit: 48, [5042: [0xFFFF, 524, 0, 49_842, 0, 50_000]])
    #expect(
      try poll(battery, .battery, name: "BT-TH-1").result.get().readings["battery_current"] == Reading(.number(-0.01), unit: "A"))
  }

  @Test func `the lowest cell is said of all cells or of none`() throws {
    var cells = words("f005")
    cells[3] = 0  // no cell has 0 V
    let battery = module(unit: 48, [5042: words("f001"), 5000: cells])
    let readings = try poll(battery, .battery, name: "BT-TH-1").result.get()
    #expect(readings.implausible == ["cell_voltage_3"] && readings.readings["cell_voltage_min"] == nil)
    #expect(readings.readings["cell_voltage_4"] == Reading(.number(3.4), unit: "V"))
  }

  @Test func `a healthy RNGPRO has no alarm, though its words would be one of others`() throws {
    let battery = module(unit: 255, [5042: words("f045"), 5100: words("f047")])
    #expect(
      try poll(battery, .battery, name: "RNGPRO125BAT-EF036881").result.get().readings["alarms"] == Reading(.text("none")))
    #expect(
      try poll(battery, .battery, name: "BT-TH-1").result.get().readings["alarms"]
        == Reading(.text("cell 1 voltage high, cell 2 voltage high, cell 3 voltage high, cell 4 voltage high")))
  }

  @Test func `that nothing is wrong is only said where all was read that could say otherwise`() throws {
    func alarms(_ runs: [UInt16: [UInt16]]) throws -> Reading? {
      try poll(module(unit: 48, [5042: words("f001")].merging(runs) { $1 }), .battery, name: "BT-TH-1", unit: 48).result.get()
        .readings["alarms"]
    }
    // What 5104 answers says nothing of single cells; 5100 does.
    #expect(try alarms([5104: words("f002")]) == nil)
    #expect(try alarms([5100: [0, 0, 0, 0, 0, 0, 0x0E, 0]]) == Reading(.text("none")))
    // What is wrong is said in any case.
    var overCurrent = words("f002")
    overCurrent[2] |= 1 << 9
    #expect(try alarms([5104: overCurrent]) == Reading(.text("charge over-current")))
    // The codes are a finer account of what the status bits say.
    let inverter = module(unit: 255, [4000: words("f048"), 4327: [80, 0, 0, 0, 0, 0, 0]])
    #expect(try poll(inverter, .inverter).result.get().readings["faults"] == Reading(.text("none")))
  }

  @Test func `a controller: today, for ever, load and charge`() throws {
    let controller = module(unit: 255, [0x100: words("f075"), 12: words("f056"), 0x1A: words("f057")])
    let readings = try poll(controller, .controller).result.get()
    #expect(Set(Profile.controller.required).isSubset(of: readings.readings.keys))
    #expect(readings.model == "RNG-CTRL-RVR40")
    #expect(readings.readings["power_generation_total"] == Reading(.number(13094), unit: "Wh"))
    #expect(readings.readings["load_status"] == Reading(.text("off")))
    #expect(
      readings.counters == [
        "operating_days", "over_discharges", "full_charges", "charging_amp_hours_total", "power_generation_total",
        "discharging_amp_hours_total", "power_consumption_total",
      ])
  }

  @Test func `frost is negative: sign and magnitude in a controller, two's complement in a battery`() throws {
    var page = words("f075")
    page[3] = 0x8190
    let readings = try poll(module(unit: 255, [0x100: page]), .controller).result.get()
    #expect(readings.readings["controller_temperature"] == Reading(.number(-1), unit: "°C"))
    #expect(readings.readings["battery_temperature"] == Reading(.number(-16), unit: "°C"))
  }

  @Test func `days of a controller's own record come when they are asked for`() throws {
    let controller = module(unit: 255, [0x100: words("f075")])
    let first = try poll(controller, .controller).result.get()
    #expect(first.days == [] && !controller.asked.contains(0xF000))
    let day: [UInt16] = [127, 147, 202, 0, 25, 0, 9, 0, 125, 0]
    for (offset, word) in day.enumerated() { controller.registers[0xF000 + UInt16(offset)] = word }
    let readings = try poll(controller, .controller, days: 3).result.get()
    #expect(readings.days.map(\.daysAgo) == [0])
    #expect(readings.days.first?.readings["power_generation"] == Reading(.number(125), unit: "Wh"))
    #expect(readings.days.first?.readings["battery_voltage_min"] == Reading(.number(12.7), unit: "V"))
    #expect(readings.readings["battery_soc"] == Reading(.number(100), unit: "%"))
  }

  @Test func `a DC-DC charger computes the sun's power, and says so`() throws {
    var page = words("f066") + words("f067") + [UInt16](repeating: 0, count: 23)
    page = Array(page.prefix(30))
    let charger = module(unit: 255, [0x100: page, 0x120: [2, 0, 0, 0, 267, 4, 1]])
    let readings = try poll(charger, .dcdc).result.get()
    #expect(Set(Profile.dcdc.required).isSubset(of: readings.readings.keys))
    #expect(readings.readings["solar_power"] == Reading(.number(9.2), unit: "W") && readings.derived == ["solar_power"])
    #expect(readings.readings["ignition"] == Reading(.text("connected")))
    #expect(readings.readings["charging_status"] == Reading(.text("mppt")))
  }

  @Test func `a -G6 charger's state is at the end of 34 words, once 288 is known to be silent`() throws {
    let page = Array((words("f066") + words("f067") + [UInt16](repeating: 0, count: 23)).prefix(32)) + [4, 0]
    let charger = module(unit: 255, [0x100: page])
    let first = try poll(charger, .dcdc).result.get()
    #expect(first.readings["charging_status"] == nil)
    let second = try poll(charger, .dcdc, skip: ["288/7"]).result.get()
    #expect(second.readings["charging_status"] == Reading(.text("boost")))
    // 290, which holds the other half of the faults, is not among them.
    #expect(second.readings["faults"] == nil)
  }

  @Test(arguments: Profile.all.map(\.name)) func `the page and the keys that people rely on agree`(name: String) throws {
    let profile = try #require(Profile.named(name))
    for key in profile.required { #expect(profile.field(key) != nil, "\(key)") }
    let lasting = profile.fields.filter { !$0.quantity.isLifetime }.map(\.key)
    #expect(Set(lasting).isDisjoint(with: profile.fields.filter(\.quantity.isLifetime).map(\.key)))
    for field in profile.fields where field.unit != nil { #expect(field.plausible != nil || field.quantity == .energyToday) }
    for block in profile.blocks { #expect((1...125).contains(block.words)) }
  }
}
