import Foundation
import Readings
import Testing

@testable import Store
@testable import blupow

@Suite struct HistoryExportTests {
  private let inverter = HistoryDevice(
    id: 1, name: "=Inverter, \"big\"", address: "D8:B6:73:BF:4F:75", unit: 32, isSimulated: true,
    keys: [HistoryKey(key: "battery_voltage", unit: "V", isNumber: true), HistoryKey(key: "faults", unit: nil, isNumber: false)])
  private let battery = HistoryDevice(
    id: 2, name: "Battery", address: "D8:B6:73:BF:4F:76", isSimulated: false,
    keys: [
      HistoryKey(key: "battery_current", unit: "A", isNumber: true),
      HistoryKey(key: "battery_voltage", unit: "V", isNumber: true),
    ])
  private let time = Date(timeIntervalSince1970: 1_784_000_000.25)

  private func read(_ readings: [String: Reading], derived: [String] = [], rawSign: [String] = []) -> HistoryPoll {
    HistoryPoll(
      time: time, isTimeKnown: true, failure: nil, connectMs: 812, pollMs: 4031, deadline: .seconds(25), readings: readings,
      derived: derived, rawSign: rawSign)
  }

  private var failed: HistoryPoll {
    HistoryPoll(
      time: time, isTimeKnown: false, failure: HistoryFailure(name: "connect_timeout", stage: "connect"), connectMs: nil,
      pollMs: 22_000, deadline: .milliseconds(37_500), readings: [:])
  }

  @Test func `a quote is doubled also where an accent behind it makes another character of it`() {
    let export = HistoryExport([inverter], isCSV: true)
    let line = export.line(read(["faults": Reading(.text("a \"\u{301} b"))]), of: inverter)
    #expect(line.hasSuffix(",\"a \"\"\u{301} b\"\r\n"))
  }

  @Test func `as comma-separated values each key of any device has its column, and no cell is a formula`() {
    let export = HistoryExport([battery, inverter], isCSV: true)
    let lines = [
      export.head,
      export.line(
        read(["battery_voltage": Reading(.number(52.4), unit: "V"), "faults": Reading(.text("+1, \"odd\""))]), of: inverter),
      export.line(
        read(
          ["battery_current": Reading(.number(-12), unit: "A")], derived: ["battery_power", "problem"],
          rawSign: ["battery_current"]), of: battery), export.line(failed, of: battery),
    ]
    #expect(
      lines == [
        "time,time_known,device,address,test_mode,failure,stage,connect_ms,poll_ms,deadline_s,derived,raw_sign,battery_current,battery_voltage,faults\r\n",
        "2026-07-14T03:33:20.250Z,true,\"'=Inverter, \"\"big\"\"\",D8:B6:73:BF:4F:75,true,,,812,4031,25,,,,52.4,\"'+1, \"\"odd\"\"\"\r\n",
        "2026-07-14T03:33:20.250Z,true,Battery,D8:B6:73:BF:4F:76,false,,,812,4031,25,battery_power problem,battery_current,-12,,\r\n",
        "2026-07-14T03:33:20.250Z,false,Battery,D8:B6:73:BF:4F:76,false,connect_timeout,connect,,22000,37.5,,,,,\r\n",
      ])
  }

  /// `protocol/examples/history.jsonl` is held against the schema by `Tests/validate.py`.
  @Test func `as JSON it is the protocol's example`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../protocol/examples/history.jsonl")
    let export = HistoryExport([inverter, battery], isCSV: false)
    let text =
      export.head
      + export.line(
        read(
          ["battery_voltage": Reading(.number(52.4), unit: "V"), "charging_status": Reading(.text("mppt"))],
          derived: ["charging_status"], rawSign: ["battery_voltage"]), of: inverter)
      + export.line(failed, of: battery)
    #expect(text == String(decoding: try Data(contentsOf: file), as: UTF8.self), "\(text)")
  }
}
