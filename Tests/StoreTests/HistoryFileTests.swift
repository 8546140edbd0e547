import Foundation
import GRDB
import Readings
import Testing

@testable import Store

/// A history that is written and read again.
struct HistoryBook {
  let folder: Folder
  private(set) var tail = HistoryTail()
  private let file: HistoryFile

  init(_ folder: Folder) throws {
    self.folder = folder
    file = try HistoryFile.open(directory: folder.path).file
    tail.begin(at: file.nextID)
  }

  mutating func save(_ entries: [HistoryEntry], _ clock: HistoryClock) throws {
    tail.take(entries, clock)
    try saveAgain()
    tail.noteSaved()
  }

  /// What a save that failed, or only seemed to, leads to.
  func saveAgain() throws { try file.save(tail.rows.filter(\.needsSave)) }

  func retain(before: Int64?, maxBytes: Int64 = .max, spare: Int64 = 1000) throws {
    try file.retain(before: before, maxBytes: maxBytes, spare: spare)
  }
  func close() { file.close() }
}

extension Folder {
  var history: HistoryReader { HistoryReader(directory: path) }

  /// All polls of the only device, or of that one.
  func polls(of name: String = "Inverter") throws -> [HistoryPoll] {
    guard let device = try history.devices().first(where: { $0.name == name }) else { return [] }
    var polls: [HistoryPoll] = []
    var mark: HistoryReader.Mark?
    repeat {
      let page = try history.polls(device: device.id, from: .distantPast, to: .distantFuture, after: mark)
      polls += page.polls
      mark = page.more
    } while mark != nil
    return polls
  }

  /// Of how many polls all quarters together, and the one that is not over, tell.
  func counted(of name: String = "Inverter") throws -> Int {
    guard let device = try history.devices().first(where: { $0.name == name }) else { return 0 }
    let outcomes = try history.outcomes(device: device.id, from: .distantPast, to: .distantFuture, points: 1).content
    return outcomes.reduce(0) { $0 + $1.good + $1.failed.values.reduce(0, +) }
  }
}

@Suite struct HistoryFileTests {
  private let desk = HistoryDesk()
  private func volts(_ number: Double) -> [String: Reading] { ["battery_voltage": Reading(.number(number), unit: "V")] }

  @Test func `what is saved is read again, exactly, with times, words and failures`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    let readings = [
      "battery_voltage": Reading(.number(52.4), unit: "V"), "charging_status": Reading(.text("mppt")),
      "cycles": Reading(.number(12)),
    ]
    try book.save([desk.read(10, "Inverter", readings), desk.failed(40, "Inverter", "connect_timeout")], desk.clock(60))
    try book.save([desk.read(70, "Sim", volts(1))], desk.clock(80))
    book.close()
    let polls = try folder.polls()
    #expect(polls.map(\.readings) == [readings, [:]])
    #expect(polls.map { $0.time.timeIntervalSince1970 * 1000 - Double(HistoryDesk.epoch) } == [10_000, 40_000])
    #expect(polls.map(\.failure) == [nil, HistoryFailure(name: "connect_timeout", stage: "read")])
    #expect(polls.map(\.connectMs) == [900, nil] && polls.map(\.pollMs) == [4000, 4000])
    #expect(polls.map(\.deadline) == [.seconds(25), .seconds(40)] && polls.allSatisfy(\.isTimeKnown))
    let devices = try folder.history.devices()
    #expect(devices.map(\.name) == ["Inverter", "Sim"] && devices.map(\.isSimulated) == [false, true])
    #expect(
      devices[0].keys == [
        HistoryKey(key: "battery_voltage", unit: "V", isNumber: true),
        HistoryKey(key: "charging_status", unit: nil, isNumber: false),
        HistoryKey(key: "cycles", unit: nil, isNumber: true),
      ])
  }

  @Test func `what was computed, and what has the register's own sign, is told from what was measured`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    let current = ["battery_current": Reading(.number(-2), unit: "A")]
    try book.save([desk.read(0, "Inverter", current, rawSign: ["battery_current"])], desk.clock(10))
    book.close()
    // Another process, and the model has become known meanwhile.
    book = try HistoryBook(folder)
    let both = current.merging(["battery_power": Reading(.number(-26), unit: "W")]) { $1 }
    let entries = [
      desk.read(30, "Inverter", both, derived: ["battery_power"]),
      desk.read(60, "Inverter", both, derived: ["battery_power"], rawSign: ["battery_current", "battery_power"]),
    ]
    try book.save(entries, desk.clock(90))
    book.close()
    let polls = try folder.polls()
    #expect(polls.map(\.readings) == [current, both, both])
    #expect(polls.map(\.derived) == [[], ["battery_power"], ["battery_power"]])
    #expect(polls.map(\.rawSign) == [["battery_current"], [], ["battery_current", "battery_power"]])
    let device = try #require(try folder.history.devices().first)
    let curves = try folder.history.series(
      device: device.id, keys: ["battery_current", "battery_power"], from: .distantPast, to: .distantFuture, points: 1
    ).content
    #expect(
      curves.map(\.key) == [
        HistoryKey(key: "battery_current", unit: "A", isNumber: true, isRawSign: true),
        HistoryKey(key: "battery_current", unit: "A", isNumber: true),
        HistoryKey(key: "battery_power", unit: "W", isNumber: true, isDerived: true),
        HistoryKey(key: "battery_power", unit: "W", isNumber: true, isDerived: true, isRawSign: true),
      ])
    #expect(curves.map { $0.points.reduce(0) { $0 + $1.count } } == [2, 1, 1, 1])
  }

  @Test func `where there are as many words and keys as there may be, those that are known go on`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    func said(_ word: String, _ key: String) -> [String: Reading] {
      ["charging_status": Reading(.text(word)), key: Reading(.number(1))]
    }
    try book.save([desk.read(0, "Inverter", said("mppt", "cycles"))], desk.clock(10))
    book.close()
    func fill(_ insert: String, _ count: Int) throws {
      try folder.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count)) \(insert) FROM n",
        in: "history.sqlite")
    }
    try fill("INSERT INTO word (word) SELECT 'word ' || i", HistoryFile.maxWords)
    try fill("INSERT INTO key (key, unit, number, derived, raw_sign) SELECT 'key ' || i, '', 1, 0, 0", HistoryFile.maxKeys)
    book = try HistoryBook(folder)
    try book.save(
      [desk.read(30, "Inverter", said("mppt", "cycles")), desk.read(60, "Inverter", said("new", "other"))], desk.clock(90))
    book.close()
    #expect(try folder.polls().map(\.readings) == [said("mppt", "cycles"), said("mppt", "cycles"), [:]])
  }

  @Test func `a row is not written over by another one of its number`() throws {
    let folder = try Folder()
    var first = try HistoryBook(folder)
    try first.save([desk.read(0, "Inverter", volts(1))], desk.clock(10))
    first.close()
    let (file, _) = try HistoryFile.open(directory: folder.path)
    var tail = HistoryTail()
    tail.take([desk.read(20, "Other", volts(2))], desk.clock(30))
    #expect(tail.rows.map(\.id) == [1])
    #expect(throws: StoreError.self) { try file.save(tail.rows) }
    file.close()
    #expect(try folder.polls().map(\.readings) == [volts(1)])
  }

  @Test func `whatever a row says of its time and number, the file opens or is set aside`() throws {
    for (id, start) in [(2, Int64.min), (2, Int64.max), (Int64.max, 0)] {
      let folder = try Folder()
      try HistoryBook(folder).close()
      try folder.sql(
        "INSERT INTO chunk (id, start, device, trusted, open, polls) VALUES (\(id), \(start), 1, 1, 1, x'00')",
        in: "history.sqlite")
      let opened = Result { try HistoryBook(folder) }
      if id == .max { #expect(throws: StoreError.self) { try opened.get() } } else { try opened.get().close() }
    }
  }

  @Test func `a round of removal takes a bounded part of the quarters, too`() throws {
    let folder = try Folder()
    let book = try HistoryBook(folder)
    try folder.sql(
      """
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
      INSERT INTO quarter (device, start, trusted, sums) SELECT 1, i * 900000, 1, x'00' FROM n
      """, in: "history.sqlite")
    func left() throws -> Int {
      let queue = try DatabaseQueue(path: "\(folder.path)/history.sqlite")
      defer { try? queue.close() }
      return try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM quarter") ?? 0 }
    }
    try book.retain(before: HistoryDesk.epoch)
    #expect(try left() == 6000 - HistoryFile.maxRemoved)
    try book.retain(before: HistoryDesk.epoch)
    #expect(try left() == 0)
  }

  @Test func `a row that grows is one row, and saved twice it is there once`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    try book.save([desk.read(0, "Inverter", volts(1))], desk.clock(10))
    try book.save([desk.read(30, "Inverter", volts(2))], desk.clock(40))
    try book.save([desk.read(900, "Inverter", volts(3))], desk.clock(910))
    try book.saveAgain()
    #expect(try folder.polls().map(\.readings) == [volts(1), volts(2), volts(3)])
    #expect(try folder.counted() == 3)
  }

  @Test func `a quarter that two processes wrote is of all its polls, and counts none twice`() throws {
    let folder = try Folder()
    var first = try HistoryBook(folder)
    try first.save([desk.read(0, "Inverter", volts(1)), desk.read(30, "Inverter", volts(2))], desk.clock(60))
    // As a kill -9 leaves it: the row is open still.
    let killed = try folder.copy()
    for _ in 0..<2 { try HistoryBook(killed).close() }
    #expect(try killed.counted() == 2)
    var second = try HistoryBook(killed)
    try second.save([desk.read(300, "Inverter", volts(6))], desk.clock(310))
    try second.save([desk.read(1000, "Inverter", volts(9))], desk.clock(1010))
    second.close()
    #expect(try killed.polls().map(\.readings) == [1, 2, 6, 9].map(volts))
    #expect(try killed.counted() == 4)
    let device = try #require(try killed.history.devices().first?.id)
    let quarters = try killed.history.series(
      device: device, keys: ["battery_voltage"], from: Date(wallMs: HistoryDesk.epoch),
      to: Date(wallMs: HistoryDesk.epoch + 2 * HistoryQuarter.lengthMs), points: 2)
    #expect(quarters.width == .seconds(900))
    #expect(quarters.content.first?.points.map(\.mean) == [3, 9])
    #expect(quarters.content.first?.points.map(\.count) == [3, 1])
  }

  @Test func `a device of another name is the same one, at another address another one`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    try book.save([desk.read(0)], desk.clock(1))
    var renamed = desk.read(30)
    renamed.device.name = "Cabin"
    try book.save([renamed, desk.read(31, "Other")], desk.clock(40))
    #expect(try folder.history.devices().map(\.name) == ["Cabin", "Other"])
    #expect(try folder.polls(of: "Cabin").count == 2)
  }

  // MARK: Retention

  @Test func `what is older than it is kept goes, where it was written by a clock that was right`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    var unset = desk
    unset.errorMs = -HistoryDesk.epoch
    unset.isSynchronised = false
    try book.save([unset.read(0, "Inverter", volts(0))], unset.clock(10))
    try book.save([desk.read(0, "Inverter", volts(1))], desk.clock(1000))
    try book.save([desk.read(10_000, "Inverter", volts(2))], desk.clock(11_000))
    try book.save([desk.read(20_000, "Inverter", volts(3))], desk.clock(21_000))
    // Nobody knows how late it is: nothing goes.
    try book.retain(before: nil)
    #expect(try folder.polls().count == 4)
    try book.retain(before: HistoryDesk.epoch + 15_000_000)
    let polls = try folder.polls()
    #expect(polls.map(\.readings) == [volts(0), volts(3)] && polls.map(\.isTimeKnown) == [false, true])
    #expect(try folder.counted() == 2)
  }

  @Test func `where there is too much the first that was written goes, whatever its time says; the quarters stay`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    var later = desk
    later.errorMs = 400 * 86_400_000
    func fill(_ desk: HistoryDesk, from second: Int) throws {
      for step in 0..<400 {
        try book.save([desk.read(second + step * 900, "Inverter", volts(Double(step)))], desk.clock(second + step * 900 + 1))
      }
    }
    try fill(later, from: 0)
    try fill(desk, from: 400 * 900)
    #expect(try folder.polls().count == 800)
    let full = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/history.sqlite")[.size] as? Int64 ?? 0
    try book.retain(before: nil, maxBytes: max(full, 60_000))
    book.close()
    let left = try folder.polls()
    #expect(left.count <= 400 && left.count >= 300)
    // All of the second half, which was written last, though the first one's times are later.
    #expect(left.allSatisfy { $0.time < Date(wallMs: HistoryDesk.epoch + 399 * 86_400_000) })
    #expect(try folder.counted() == 800)
    let device = try #require(try folder.history.devices().first?.id)
    // And a curve of a time whose polls are gone is of the quarters.
    let from = Date(wallMs: HistoryDesk.epoch + later.errorMs)
    let curve = try folder.history.series(
      device: device, keys: ["battery_voltage"], from: from, to: from.addingTimeInterval(7200), points: 100)
    #expect(curve.width == .seconds(900) && curve.content.first?.points.map(\.mean) == [0, 1, 2, 3, 4, 5, 6, 7])
  }

  @Test func `room that was freed is given back to the file system`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    // Numbers of no few digits: a kilobyte a poll.
    let polls = (0..<300).map { step in
      desk.read(
        step * 900, "Inverter",
        Dictionary(uniqueKeysWithValues: (1...100).map { ("key_\($0)", Reading(.number(1 / Double(step * 100 + $0)))) }))
    }
    try book.save(polls, desk.clock(300 * 900))
    // As SQLite does by itself when the log is long enough.
    func workIn() throws { try folder.sql("PRAGMA wal_checkpoint(PASSIVE)", in: "history.sqlite") }
    try workIn()
    try book.save([desk.read(300 * 900)], desk.clock(300 * 900 + 1))
    let full = try folder.bytes(of: "history.sqlite").count
    #expect(full > 300_000)
    try book.retain(before: HistoryDesk.epoch + 302 * 900_000, spare: 50)
    try workIn()
    #expect(try folder.bytes(of: "history.sqlite").count < full / 2)
    // Nobody has cut it.
    try book.save([desk.read(301 * 900)], desk.clock(301 * 900 + 1))
    try book.retain(before: HistoryDesk.epoch + 400 * 900_000, spare: 50)
    book.close()
    #expect(try folder.polls() == [])
  }

  // MARK: Files

  @Test func `a damaged history is set aside beside a store that is well, and another begun`() throws {
    let folder = try Folder()
    try folder.fill([record("a", "1")])
    try folder.write(Array("This is no database, but somebody's notes.".utf8), to: "history.sqlite")
    let (file, warning) = try HistoryFile.open(directory: folder.path)
    file.close()
    #expect(warning?.message == "\(folder.path)/history.sqlite is damaged: file is not a database. A new one is begun.")
    #expect(try folder.names.contains { $0.hasPrefix("history.sqlite.set-aside-") })
    #expect(try folder.setAside == [])
    #expect(try Store.open(directory: folder.path).store.load().records == [record("a", "1")])
  }

  @Test func `a store is no history, nor one of a later version`() throws {
    let folder = try Folder()
    try folder.fill([])
    try folder.write(folder.bytes(), to: "history.sqlite")
    #expect(throws: StoreError(.foreign, "\(folder.path)/history.sqlite")) { try folder.history.devices() }
    #expect(try HistoryFile.open(directory: folder.path).warning?.message.contains("not one of BluPow's") == true)
    let later = try Folder()
    try HistoryBook(later).close()
    try later.sql("INSERT INTO grdb_migrations VALUES ('later')", in: "history.sqlite")
    #expect(throws: StoreError(.newer(["\"later\""]), "\(later.path)/history.sqlite")) { try later.history.devices() }
  }

  @Test func `two services do not write one history`() throws {
    let folder = try Folder()
    let first = try HistoryBook(folder)
    #expect(throws: StoreError(.inUse, folder.path)) { try HistoryFile.open(directory: folder.path) }
    first.close()
    _ = try HistoryBook(folder)
  }

  @Test func `an index that is mapped and was cut ends nobody, and nothing is lost`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    try book.save([desk.read(0)], desk.clock(1))
    truncate("\(folder.path)/history.sqlite-shm", 0)
    try book.save([desk.read(30)], desk.clock(31))
    #expect(try folder.polls().count == 2)
    truncate("\(folder.path)/history.sqlite-shm", 0)
    book.close()
    #expect(try folder.polls().count == 2)
  }

  @Test(arguments: ["history.sqlite", "history.sqlite-wal", "history.sqlite-shm"])
  func `a file that was cut or deleted under it is an error, before anybody reads what is gone`(name: String) throws {
    for isCut in [true, false] where !isCut || !name.hasSuffix("-shm") {
      let folder = try Folder()
      var book = try HistoryBook(folder)
      try book.save([desk.read(0)], desk.clock(1))
      if isCut { truncate("\(folder.path)/\(name)", 0) } else { unlink("\(folder.path)/\(name)") }
      let error = #expect(throws: StoreError.self) { try book.save([desk.read(30)], desk.clock(31)) }
      #expect(error?.cause == .gone)
    }
  }

  @Test func `a row that is not as it was written is passed over, the others are read`() throws {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    for step in 0..<3 { try book.save([desk.read(step * 900, "Inverter", volts(Double(step)))], desk.clock(step * 900 + 1)) }
    book.close()
    try folder.sql(
      "UPDATE chunk SET polls = CAST(replace(polls, x'0201', x'0202') AS BLOB) || x'00' WHERE id = 2", in: "history.sqlite")
    #expect(try folder.polls().map(\.readings) == [volts(0), volts(2)])
  }
}
