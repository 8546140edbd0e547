import Foundation
import Readings
import Testing

@testable import Store
@testable import blupow

@Suite struct HistoryTableTests {
  @Test func `what stands in the file is no command to a terminal`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "table-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let now = ContinuousClock.now
    let (file, _) = try HistoryFile.open(directory: directory)
    var tail = HistoryTail()
    tail.begin(at: file.nextID)
    let escape = "\u{1B}[2J"
    tail.take(
      [
        HistoryEntry(
          device: .init(name: "Shunt\(escape)", address: "D8:B6:73:BF:4F:75\(escape)", unit: nil, isSimulated: false),
          at: now - .seconds(30), connectMs: 400, pollMs: 1000, deadline: .seconds(25),
          readings: ["odd\(escape)": Reading(.number(1), unit: "V\(escape)")])
      ], HistoryClock(instant: now, wallMs: 1_784_000_000_000, isSynchronised: true))
    try file.save(tail.rows)
    file.close()
    let reader = HistoryReader(directory: directory)
    let wall = Date(timeIntervalSince1970: 1_784_000_000)
    let table = try HistoryTable(try #require(try reader.devices().first), reader, from: wall - 60, to: wall)
    #expect(table.text.contains("Shunt?[2J at D8:B6:73:BF:4F:75?[2J\n") && table.text.contains("odd?[2J V?[2J\n"))
    #expect(!table.text.contains("\u{1B}"))
  }

  @Test func `a column is of one kind of number, in the digits that were read, marked where not measured`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "table-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let now = ContinuousClock.now
    let wall = Date(timeIntervalSince1970: 1_784_000_000)
    func entry(_ ago: Int, derived: Set<String>, rawSign: Set<String>) -> HistoryEntry {
      HistoryEntry(
        device: .init(name: "Shunt", address: "D8:B6:73:BF:4F:75", unit: nil, isSimulated: false), at: now - .seconds(ago),
        connectMs: 400, pollMs: 1000, deadline: .seconds(25),
        readings: [
          "battery_voltage": Reading(.number(13.2), unit: "V"), "battery_current": Reading(.number(-2), unit: "A"),
          "battery_power": Reading(.number(-26), unit: "W"),
        ], derived: derived, rawSign: rawSign)
    }
    let (file, _) = try HistoryFile.open(directory: directory)
    var tail = HistoryTail()
    tail.begin(at: file.nextID)
    tail.take(
      [
        entry(90, derived: ["battery_power"], rawSign: ["battery_current", "battery_power"]),
        entry(30, derived: ["battery_power"], rawSign: []),
      ], HistoryClock(instant: now, wallMs: Int64(wall.timeIntervalSince1970 * 1000), isSynchronised: true))
    try file.save(tail.rows)
    file.close()
    let reader = HistoryReader(directory: directory)
    let table = try HistoryTable(try #require(try reader.devices().first), reader, from: wall - 120, to: wall)
    #expect(
      table.text == """
        Shunt at D8:B6:73:BF:4F:75
                          time  polls  battery_voltage V  battery_current A±  battery_current A  battery_power W*±  battery_power W*
          2026-07-14 03:31:50Z    1/1               13.2                  -2                  -                -26                 -
          2026-07-14 03:32:50Z    1/1               13.2                   -                 -2                  -               -26
          * computed from others of the same poll
          ± sign as the register has it: this model's convention is not known

        """)
  }
}
