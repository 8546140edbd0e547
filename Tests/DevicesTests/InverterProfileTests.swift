import Devices
import Readings
import Testing

@Suite struct InverterProfileTests {
  let profile = Profile.inverter

  /// The file's own names for what the original's keys call otherwise.
  static let keys = [
    "ac_input_voltage_v": "input_voltage", "ac_input_current_a": "input_current", "ac_output_voltage_v": "output_voltage",
    "ac_output_current_a": "output_current", "ac_output_frequency_hz": "output_frequency",
    "battery_voltage_v": "battery_voltage", "temperature_c": "temperature", "ac_input_frequency_hz": "input_frequency",
    "load_current_a": "load_current", "load_active_power_w": "load_active_power",
    "load_apparent_power_va": "load_apparent_power", "line_charging_current_a": "line_charging_current",
    "load_percentage": "load_percentage",
  ]

  @Test(arguments: ["f048", "f051", "f078", "f079"])
  func `captured inverter frames decode to their expected values`(id: String) throws {
    let frame = CapturedFrame[id]
    let request = ReadRequest(
      unit: 32, register: UInt16(try #require(frame.register)), words: UInt16(try #require(frame.words)))
    guard case .registers(32, let words) = try ModbusReply.parse(try #require(frame.response)[...], to: request) else {
      Issue.record("no registers in \(id)")
      return
    }
    let block = try #require(profile.blocks.first { $0.register == request.register })
    var checked = 0
    for (name, expected) in frame.expected {
      guard let key = Self.keys[name], case .number(let value) = expected else { continue }
      let field = try #require(profile.field(key))
      let decoded = field.decode(block.words(of: field, in: words), model: nil)
      #expect(decoded == .reading(Reading(.number(value), unit: field.unit)), "\(key)")
      checked += 1
    }
    #expect(checked == ["f048": 8, "f051": 5, "f078": 7, "f079": 7][id])
  }

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
    #expect(Dictionary(uniqueKeysWithValues: profile.fields.map { ($0.key, $0.unit) }) == original)
    #expect(profile.blocks.map(\.name) == ["4000/10", "4327/7", "4311/8", "4408/6", "4109/1"])
  }

  func charging(_ raw: UInt16, model: String?) -> Decoding {
    profile.decode(["4327/7": [80, raw, 617, 105, 650, 1, 2535]], model: model)
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
    let decoding = profile.decode(
      ["4311/8": words, "4327/7": [80, UInt16(bitPattern: -10), 0, 0, 0, 1, 0]], model: "RIV1230RCH-SPS")
    #expect(decoding.model == "RIV4835CSH1S")
    #expect(decoding.readings["model"] == Reading(.text("RIV4835CSH1S")))
    #expect(decoding.readings["charging_current"] == Reading(.number(1), unit: "A"))
  }

  @Test func `what means unsupported is missing, not a number`() {
    let decoding = profile.decode(["4327/7": [0xFFFF, 0x8000, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF]], model: nil)
    #expect(profile.decode(["4327/7": [UInt16](repeating: 0xFFFF, count: 7)], model: nil).readings == [:])
    #expect(decoding.readings == [:])
    #expect(decoding.implausible == [])
  }

  @Test func `a value that cannot be is missing and counted, never clipped`() {
    let decoding = profile.decode(["4327/7": [101, 7, 617, 105, 650, 99, 10]], model: nil)
    #expect(decoding.readings["battery_percentage"] == nil)
    #expect(decoding.readings["charging_status"] == nil)
    #expect(decoding.implausible == ["battery_percentage", "charging_status"])
    #expect(decoding.readings["solar_voltage"] == Reading(.number(61.7), unit: "V"))
  }

  @Test func `temperatures below zero are negative`() {
    let words: [UInt16] = [1200, 0, 1200, 0, 6000, 512, UInt16(bitPattern: -15), 0, 0, 6000]
    #expect(profile.decode(["4000/10": words], model: nil).readings["temperature"] == Reading(.number(-1.5), unit: "°C"))
  }
}
