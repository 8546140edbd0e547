import Devices
import Readings
import Testing

@Suite struct InverterProfileTests {
  let profile = Profile.inverter

  @Test func `a frame of one word outside the pages parses to it`() throws {
    let reply = try ModbusReply.parse(
      try #require(CapturedFrame["f052"].response)[...], to: ReadRequest(unit: 32, register: 57869, words: 1))
    #expect(reply == .registers(unit: 32, [1]))
  }

  @Test func `the page has the original's 22 keys with their units`() {
    let original = [
      "model": nil, "device_id": nil, "input_voltage": "V", "input_current": "A", "input_frequency": "Hz",
      "output_voltage": "V", "output_current": "A", "output_frequency": "Hz", "load_active_power": "W",
      "load_apparent_power": "VA", "load_current": "A", "load_percentage": "%", "line_charging_current": "A",
      "battery_voltage": "V", "battery_percentage": "%", "charging_current": "A", "charging_status": nil,
      "charging_power": "W", "solar_voltage": "V", "solar_current": "A", "solar_power": "W", "temperature": "°C",
    ]
    for (key, unit) in original { #expect(profile.field(key)?.unit == unit && profile.field(key) != nil, "\(key)") }
    #expect(profile.blocks.prefix(5).map(\.name) == ["4000/10", "4327/7", "4311/8", "4408/6", "4109/1"])
  }

  func decode(_ runs: [UInt16: [UInt16]], model: String?) -> Decoding {
    profile.decode(Answers(runs), name: nil, model: model)
  }

  func charging(_ raw: UInt16, model: String?) -> Decoding {
    decode([4327: [80, raw, 617, 105, 650, 1, 2535]], model: model)
  }

  @Test func `charging current is positive while charging, whatever the model's sign`() {
    #expect(charging(7, model: "RIV1230RCH-SPS").readings["charging_current"] == Reading(.number(0.7), unit: "A"))
    let raw = UInt16(bitPattern: -495)
    #expect(charging(raw, model: "RIV4835CSH1S").readings["charging_current"] == Reading(.number(49.5), unit: "A"))
    #expect(charging(raw, model: "RIV4835CSH1S").rawSign == [])
  }

  @Test func `a model whose sign is unknown keeps the raw one and says so`() {
    let decoding = charging(UInt16(bitPattern: -495), model: nil)
    #expect(decoding.readings["charging_current"] == Reading(.number(-49.5), unit: "A"))
    #expect(decoding.rawSign == ["charging_current"])
  }

  @Test func `the model that was just read decides, not the one known before`() {
    let model = Array("RIV4835CSH1S\0\0\0\0".utf8)
    let words = stride(from: 0, to: 16, by: 2).map { UInt16(model[$0]) << 8 | UInt16(model[$0 + 1]) }
    let decoding = decode([4311: words, 4327: [80, UInt16(bitPattern: -10), 0, 0, 0, 1, 0]], model: "RIV1230RCH-SPS")
    #expect(decoding.model == "RIV4835CSH1S")
    #expect(decoding.readings["model"] == Reading(.text("RIV4835CSH1S")))
    #expect(decoding.readings["charging_current"] == Reading(.number(1), unit: "A"))
  }

  @Test func `what means unsupported is missing, not a number`() {
    let decoding = decode([4327: [0xFFFF, 0x8000, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF]], model: nil)
    #expect(decode([4327: [UInt16](repeating: 0xFFFF, count: 7)], model: nil).readings == [:])
    #expect(decoding.readings == [:])
    #expect(decoding.implausible == [])
  }

  @Test func `a value that cannot be is missing and counted, never clipped`() {
    let decoding = decode([4327: [101, 7, 617, 105, 650, 99, 10]], model: nil)
    #expect(decoding.readings["battery_percentage"] == nil)
    #expect(decoding.readings["charging_status"] == nil)
    #expect(decoding.implausible == ["battery_percentage", "charging_status"])
    #expect(decoding.readings["solar_voltage"] == Reading(.number(61.7), unit: "V"))
  }

  @Test func `temperatures below zero are negative`() {
    let words: [UInt16] = [1200, 0, 1200, 0, 6000, 512, UInt16(bitPattern: -15), 0, 0, 6000]
    #expect(decode([4000: words], model: nil).readings["temperature"] == Reading(.number(-1.5), unit: "°C"))
  }
}
