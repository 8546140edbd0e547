import Devices
import Readings
import Testing

/// Every row of Tests/Frames/renogy-frames.json: what is a reply decodes to what the file expects of it, all else is refused by name.
@Suite struct FrameFileTests {
  /// The file's own names, by ours; and those of which the page has no line.
  private static let keys: [String: [String: String]] = [
    "battery": [
      "current_a": "battery_current", "voltage_v": "battery_voltage", "remaining_ah": "remaining_capacity",
      "capacity_ah": "capacity", "soc_pct": "battery_soc", "soc_pct_computed": "battery_soc", "power_w": "battery_power",
      "power_w_computed": "battery_power", "cycles": "cycles", "cell_count": "cell_count", "serial_number": "serial_number",
      "name": "model", "software_version": "firmware_version", "charge_mosfet": "charge_mosfet",
      "discharge_mosfet": "discharge_mosfet", "heater": "heater", "problem": "problem",
    ],
    "inverter": [
      "ac_input_voltage_v": "input_voltage", "ac_input_current_a": "input_current", "ac_output_voltage_v": "output_voltage",
      "ac_output_current_a": "output_current", "ac_output_frequency_hz": "output_frequency",
      "battery_voltage_v": "battery_voltage", "temperature_c": "temperature", "ac_input_frequency_hz": "input_frequency",
      "load_current_a": "load_current", "load_active_power_w": "load_active_power",
      "load_apparent_power_va": "load_apparent_power", "line_charging_current_a": "line_charging_current",
      "load_percentage": "load_percentage",
    ],
    "controller": [
      "battery_charge_current_a": "battery_current", "battery_soc_pct": "battery_soc", "battery_voltage_v": "battery_voltage",
      "controller_temperature_c": "controller_temperature", "battery_temperature_c": "battery_temperature",
      "load_voltage_v": "load_voltage", "load_current_a": "load_current", "load_power_w": "load_power",
      "pv_voltage_v": "solar_voltage", "pv_current_a": "solar_current", "pv_power_w": "solar_power",
      "battery_min_voltage_today_v": "battery_voltage_min_today", "battery_max_voltage_today_v": "battery_voltage_max_today",
      "max_charge_current_today_a": "charging_current_max_today",
      "max_discharge_current_today_a": "discharging_current_max_today",
      "max_charge_power_today_w": "charging_power_max_today", "max_discharge_power_today_w": "discharging_power_max_today",
      "charge_ah_today": "charging_amp_hours_today", "discharge_ah_today": "discharging_amp_hours_today",
      "generation_today_wh": "power_generation_today", "consumption_today_wh": "power_consumption_today",
      "operating_days": "operating_days", "over_discharge_count": "over_discharges", "full_charge_count": "full_charges",
      "charge_ah_total": "charging_amp_hours_total", "discharge_ah_total": "discharging_amp_hours_total",
      "generation_total_wh": "power_generation_total", "consumption_total_wh": "power_consumption_total",
      "generation_total_raw": "power_generation_total", "consumption_total_raw": "power_consumption_total",
      "load_on": "load_status", "load_brightness_pct": "load_brightness", "charging_status": "charging_status",
      "model": "model", "device_id": "device_id", "software_version": "firmware_version",
      "hardware_version": "hardware_version", "serial_number_hex": "serial_number",
    ],
    "dcdc": [
      "battery_charge_current_a": "charging_current", "battery_soc_pct": "battery_soc",
      "battery_voltage_v": "battery_voltage", "controller_temperature_c": "controller_temperature",
      "battery_temperature_c": "battery_temperature", "alternator_voltage_v": "alternator_voltage",
      "alternator_current_a": "alternator_current", "alternator_power_w": "alternator_power", "pv_voltage_v": "solar_voltage",
      "pv_current_a": "solar_current", "pv_power_w": "charging_power", "charging_status": "charging_status",
      "output_power_w": "output_power", "battery_type": "battery_type", "battery_capacity_ah": "battery_capacity",
      "recognised_voltage_v": "system_voltage", "software_version": "firmware_version",
      "hardware_version": "hardware_version", "serial_number_hex": "serial_number", "device_id": "device_id",
    ],
  ]

  /// Settings, raw words, and what other tests look at.
  private static let notOnThePage: Set<String> = [
    "other_alarms_5104_5105", "status1_5106", "status2_5107", "status3_5108", "charge_discharge_status_5109",
    "status1_bits_set", "status2_bits_set", "cd_status_bits_set", "manufacturer_version_5118", "mainline_version_5119_5120",
    "protocol_version_5121", "temp_sensor_count", "problem_code", "raw_current_word", "device_id", "all_alarm_bits_set",
    "status_bits_4007_4008", "inverter_dc_component_mv_4411", "program_23_enabled", "fault_word_0x121", "fault_word_0x122",
    "system_voltage_v", "rated_charge_current_a", "fault_high", "fault_low", "charging_mode_raw", "charging_mode",
    "ignition_connected", "reserved_0x10a", "charge_current_limit_a", "over_voltage_v", "charge_limit_v", "equalize_v",
    "boost_v", "float_v", "boost_return_v", "over_discharge_return_v", "under_voltage_warning_v", "over_discharge_v",
    "discharge_limit_v", "word_E00F", "over_discharge_delay_s", "equalize_min", "boost_min", "equalize_interval_d",
    "temp_compensation", "faults",
  ]

  private static let profiles = [
    "battery": "battery", "battery_hub": "battery", "battery_pro": "battery", "battery_rngpro": "battery",
    "inverter": "inverter", "controller": "controller", "dcdc": "dcdc",
  ]

  private struct Row {
    var frame: CapturedFrame
    var profile: Profile
    var request: ReadRequest
    var name: String

    init?(_ frame: CapturedFrame) {
      guard let profile = FrameFileTests.profiles[frame.deviceType].flatMap(Profile.named), let register = frame.register,
        let words = frame.words, let unit = frame.request?.first
      else { return nil }
      self.frame = frame
      self.profile = profile
      request = ReadRequest(unit: unit, register: UInt16(register), words: UInt16(words))
      name = frame.model?.firstMatch(of: /adv ([A-Za-z0-9-]+)/).map { String($0.output.1) } ?? "BT-TH-66F94E1C"
    }

    func decode(_ words: [UInt16]) -> Decoding {
      var answers = Answers()
      answers.note(request.register, words)
      return profile.decode(answers, name: name, model: nil)
    }

    func expect(_ decoding: Decoding) {
      for (key, expected) in frame.expected.sorted(by: { $0.key < $1.key }) {
        switch (key, expected) {
        case ("cell_voltages_v", .numbers(let values)): expectList(decoding, "cell_voltage_", values)
        case ("temperatures_c", .numbers(let values)): expectList(decoding, "temperature_", values)
        default:
          guard let ours = FrameFileTests.keys[profile.name]?[key] else {
            #expect(FrameFileTests.notOnThePage.contains(key), "\(frame.id): nobody looks at \(key)")
            continue
          }
          #expect(decoding.readings[ours]?.value == expected.value, "\(frame.id): \(ours)")
        }
      }
    }

    private func expectList(_ decoding: Decoding, _ prefix: String, _ values: [Double]) {
      for (index, value) in values.enumerated() {
        #expect(decoding.number("\(prefix)\(index + 1)") == value, "\(frame.id): \(prefix)\(index + 1)")
      }
      #expect(decoding.readings["\(prefix)\(values.count + 1)"] == nil, "\(frame.id): one more than there are")
    }
  }

  @Test(arguments: CapturedFrame.all.filter { $0.responseHex != nil && $0.isWhole && $0.register != nil })
  func `a whole reply decodes to what the file says`(frame: CapturedFrame) throws {
    let row = try #require(Row(frame))
    let response = try #require(frame.response)
    switch try ModbusReply.parse(response[...], to: row.request) {
    case .registers(_, let words): row.expect(row.decode(words))
    case .exception(let unit, let code):
      #expect(frame.expected["exception_code"] == .number(Double(code)))
      #expect(unit == row.request.unit || row.request.unit == ReadRequest.anyUnit)
    }
  }

  @Test(arguments: CapturedFrame.all.filter { $0.mustReject != nil }) func `what must be refused is, by its name`(
    frame: CapturedFrame
  ) throws {
    let row = try #require(Row(frame))
    var assembler = ReplyAssembler(row.request)
    #expect(try assembler.append(try #require(frame.response)) == nil)
    let names = ["bad CRC": "checksum", "truncated frame": "truncated", "byte count": "byte_count"]
    let reason = try #require(frame.mustReject)
    let name = try #require(names.first { reason.hasPrefix($0.key) }?.value, "\(reason)")
    guard case .failure(let fault) = assembler.conclude() else {
      Issue.record("\(frame.id) was believed")
      return
    }
    #expect(fault.name == name)
  }

  /// Cut in the source: refused as they are; with a checksum of ours, what is there decodes.
  @Test(arguments: ["f060", "f106"]) func `a reply that was recorded in part is none, and its words are right`(id: String) throws
  {
    let row = try #require(Row(CapturedFrame[id]))
    let response = try #require(row.frame.response)
    #expect(throws: ModbusReply.Fault.self) { try ModbusReply.parse(response[...], to: row.request) }
    let whole = response.dropFirst(3).prefix(Int(response[2]))
    let words = stride(from: whole.startIndex, to: whole.endIndex - 1, by: 2).map {
      UInt16(whole[$0]) << 8 | UInt16(whole[$0 + 1])
    }
    row.expect(row.decode(words))
  }

  @Test func `a document's reply of fewer words than were asked for is refused`() throws {
    let row = try #require(Row(CapturedFrame["f086"]))
    let fault = ModbusReply.diagnose(try #require(row.frame.response), to: row.request)
    #expect(fault == .byteCount(got: 2, asked: 4))
  }

  @Test(arguments: ["f099", "f100", "f101", "f102"]) func `a write's echo is no reply to a read`(id: String) throws {
    let response = try #require(CapturedFrame[id].response)
    #expect(throws: ModbusReply.Fault.function(got: 6)) {
      try ModbusReply.parse(response[...], to: ReadRequest(unit: 1, register: 0x010A, words: 1))
    }
  }

  @Test func `faults and modes of captures are words`() throws {
    let fault = try #require(Row(CapturedFrame["f098"]))
    #expect(
      fault.decode([0x0101, 0]).readings["faults"] == Reading(.text("pv input short circuit, battery over-discharge")))
    let charging = try #require(Row(CapturedFrame["f060"]))
    let decoding = charging.decode([2, 0, 0, 0, 267, 4, 0])
    #expect(decoding.readings["charging_mode"] == Reading(.text("solar and alternator to house")))
    #expect(decoding.readings["ignition"] == Reading(.text("disconnected")))
    #expect(decoding.readings["faults"] == Reading(.text("none")))
  }

  @Test func `all alarm bits at once are a list that ends`() throws {
    let row = try #require(Row(CapturedFrame["f035"]))
    let decoding = row.decode([UInt16](repeating: 0xFFFF, count: 8))
    guard case .text(let alarms) = decoding.readings["alarms"]?.value else {
      Issue.record("no alarms")
      return
    }
    #expect(alarms.utf8.count <= 255 && alarms.hasPrefix("cell 1 voltage wrong, ") && alarms.hasSuffix(" more"))
    #expect(decoding.readings["problem"] == Reading(.text("on")))
  }

  /// So that a new row of the file cannot be passed over.
  @Test func `every row is one of those`() {
    let elsewhere: Set<String> = [
      "f060", "f106", "f086", "f099", "f100", "f101", "f102",  // above
      "f109", "f112",  // a fragment, and a shunt's: ShuntFrameTests, ReplyAssemblerTests
    ]
    for frame in CapturedFrame.all {
      let isReply = frame.responseHex != nil && frame.isWhole && frame.register != nil
      #expect(
        isReply || frame.mustReject != nil || elsewhere.contains(frame.id) || frame.responseHex == nil,
        "\(frame.id) is tested nowhere")
    }
  }
}
