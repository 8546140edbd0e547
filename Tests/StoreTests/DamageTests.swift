import Chance
import Foundation
import GRDB
import Testing

@testable import Store

/// Files as disks, power cuts and people leave them: never a crash, and never a record that was not saved.
@Suite struct DamageTests {
  private static let saved = (0..<40).map { device in
    record("Device \(device)", #"{"voltage":\#(device),"note":"\#(String(repeating: "n", count: device * 40))"}"#)
  }

  /// Opens it, whatever it is. What loads was saved; and it can be used afterwards, and is sound then.
  ///
  /// - Returns: how many records were there.
  @discardableResult private func judge(
    _ folder: Folder, among saved: [Store.Record] = saved, _ what: Comment
  ) async throws -> (count: Int, warnings: [String]) {
    await Task.yield()  // other suites' tests have clocks to meet
    let loaded = LoadedStore(directory: folder.path)
    let store = try #require(loaded.store, "\(what): \(String(describing: loaded.failure))")
    for record in loaded.records { #expect(saved.contains(record), what) }
    try store.save(changed: [record("after", "{}")])
    store.close()
    let again = try Store.open(directory: folder.path)
    #expect(again.warning == nil, what)
    #expect(try again.store.load().records == loaded.records + [record("after", "{}")], what)
    return (loaded.records.count, loaded.warnings.map(\.message))
  }

  @Test func `garbage is set aside, and what was warned of stands there`() throws {
    let folder = try Folder()
    let garbage = Array("This is no database, but somebody's notes.".utf8)
    try folder.write(garbage)
    let (store, warning) = try Store.open(directory: folder.path)
    #expect(
      warning?.message
        == "\(folder.database) is damaged: file is not a database. A new one is begun.")
    let place = try #require(try folder.setAside.first)
    #expect(place.wholeMatch(of: /blupow\.sqlite\.set-aside-\d{8}T\d{6}Z/) != nil)
    #expect(warning?.advice == "The old one is kept as \(folder.path)/\(place).")
    #expect(try folder.bytes(of: place) == garbage)
    #expect(try store.load().records == [])
  }

  @Test func `random bytes of any length are set aside`() async throws {
    var dice = Dice(seed: 1)
    // A single byte is what SQLite itself puts into an empty file.
    for length in [2, 15, 16, 99, 100, 511, 512, 4096, 10_000] {
      let folder = try Folder()
      try folder.write((0..<length).map { _ in UInt8(dice.roll(0...255)) })
      #expect(try await judge(folder, "\(length) bytes").count == 0)
      #expect(try folder.setAside.count == 1)
    }
  }

  @Test func `an empty file is a new store, with whatever log beside it`() async throws {
    let folder = try Folder()
    try folder.write([])
    let log = try Folder()
    let open = try Store.open(directory: log.path).store
    try open.save(changed: Self.saved)
    try folder.write(log.bytes(of: "blupow.sqlite-wal"), to: "blupow.sqlite-wal")
    #expect(try await judge(folder, "empty") == (0, []))
    #expect(try folder.setAside == [])
  }

  @Test func `a log without its database is not believed`() async throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: Self.saved)
    let copy = try folder.copy()
    unlink(copy.database)
    #expect(try await judge(copy, "no database") == (0, []))
    store.close()
  }

  @Test func `a log of no length is no log`() async throws {
    let folder = try Folder()
    try folder.fill(Self.saved)
    try folder.write([], to: "blupow.sqlite-wal")
    #expect(try await judge(folder, "empty log") == (40, []))
  }

  @Test func `somebody else's database is set aside as it was`() async throws {
    for identity in ["", "PRAGMA application_id = 1;", "PRAGMA journal_mode = WAL;"] {
      let folder = try Folder()
      try folder.sql("\(identity) CREATE TABLE record (kind, key, text, sum); INSERT INTO record VALUES ('device', 'a', '{}', 1)")
      let before = try folder.bytes()
      let warning = try #require(try Store.open(directory: folder.path).warning)
      #expect(warning.message == "\(folder.database) is a database, but not one of BluPow's. A new one is begun.")
      #expect(try folder.bytes(of: try #require(try folder.setAside.first)) == before)
      try await judge(folder, "\(identity)")
    }
  }

  @Test func `a later version's file is set aside with the way back`() throws {
    let folder = try Folder()
    try folder.fill(Self.saved)
    try folder.sql("INSERT INTO grdb_migrations VALUES ('history')")
    let (store, warning) = try Store.open(directory: folder.path)
    #expect(
      warning?.message
        == #"\#(folder.database) was written by a later version of BluPow (it knows "history"). A new one is begun."#)
    #expect(warning?.advice.hasSuffix("To go on with it, install that version again and move the file back.") == true)
    #expect(try store.load().records == [])
  }

  @Test(arguments: [
    "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END", "CREATE VIEW v AS SELECT 1", "DROP TABLE record",
    "ALTER TABLE record DROP COLUMN sum", "DELETE FROM grdb_migrations",
    "DROP TABLE grdb_migrations; CREATE TABLE grdb_migrations (identifier); INSERT INTO grdb_migrations VALUES (NULL)",
    "DROP TABLE record; CREATE TABLE record (id INTEGER PRIMARY KEY, kind, key, text, sum)",
  ])
  func `our own file with another schema is set aside`(change: String) async throws {
    let folder = try Folder()
    try folder.fill(Self.saved)
    try folder.sql(change)
    let found = try await judge(folder, "\(change)")
    #expect(found.count == 0)
    #expect(found.warnings.count == 1)
  }

  @Test func `a record that was changed by hand is not believed, the others are`() async throws {
    for change in ["text = '{\"voltage\":99}'", "key = 'Device 99'", "kind = 'module'", "sum = 0", "text = x'ff'", "sum = 'x'"] {
      let folder = try Folder()
      try folder.fill(Self.saved)
      try folder.sql("UPDATE record SET \(change) WHERE key = 'Device 3'")
      #expect(
        try await judge(folder, "\(change)")
          == (39, ["Records in \(folder.database) were passed over and removed: 1 not as they were saved."]))
    }
  }

  @Test func `three are kept aside, the oldest goes, and a person's own copies stay`() throws {
    let folder = try Folder()
    try folder.write([7], to: "blupow.sqlite.set-aside-mine")
    var seen: [String] = []
    for round in 1...5 {
      try folder.write(Array("garbage \(round)".utf8))
      try Store.open(directory: folder.path).store.close()
      seen += try folder.setAside.filter { !seen.contains($0) }
    }
    #expect(try folder.setAside == Array(seen.suffix(3)))
    let kept = try folder.setAside.map { String(decoding: try folder.bytes(of: $0), as: UTF8.self) }
    #expect(kept == ["garbage 3", "garbage 4", "garbage 5"])
    let mine = ["blupow.lock", "blupow.sqlite", "blupow.sqlite.set-aside-mine"]
    #expect(try folder.names == (mine + seen.suffix(3)).sorted())
  }

  @Test func `its log is set aside with a file, under the same name, and goes with it`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: Self.saved)
    let killed = try folder.copy()
    store.close()
    let error = StoreError(.gone, killed.database)
    try Store.open(directory: killed.path, distrusted: error).store.close()
    let first = try #require(try killed.setAside.first)
    #expect(try killed.names.filter { $0.hasPrefix(first) } == [first, "\(first)-wal"])
    // Together they are still the database that they were.
    let queue = try DatabaseQueue(path: "\(killed.path)/\(first)")
    #expect(try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM record") } == 40)
    for _ in 0..<3 { try Store.open(directory: killed.path, distrusted: error).store.close() }
    #expect(try killed.names.filter { $0.hasPrefix(first) } == [])
  }

  // MARK: Cut and flipped

  @Test func `a database that was cut anywhere`() async throws {
    let folder = try Folder()
    try folder.fill(Self.saved)
    let whole = try folder.bytes()
    try #require(whole.count > 40_000)
    for length in Array(stride(from: 0, to: whole.count, by: 1024)) + [1, 99, 100, 4095, 4097, whole.count - 1] {
      let cut = try Folder()
      try cut.write(Array(whole[..<length]))
      let found = try await judge(cut, "cut to \(length)")
      // Of its last page SQLite may not need all; what is missing is missed.
      let count = length > whole.count - 4096 ? found.count : 0
      #expect(found.count == count, "cut to \(length)")
      #expect(found.warnings.count == (length <= 1 || count == 40 ? 0 : 1), "cut to \(length)")
    }
  }

  @Test func `a log that was cut anywhere holds whole saves`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    for (index, record) in Self.saved.prefix(20).enumerated() {
      try store.save(changed: [record, Store.Record(kind: "count", key: "n", text: "\(index + 1)")])
    }
    let killed = try folder.copy()
    let whole = try killed.bytes(of: "blupow.sqlite-wal")
    var counts: Set<Int> = []
    for length in Array(stride(from: 0, to: whole.count, by: 2060)) + [31, 32, 33, whole.count - 1, whole.count] {
      let cut = try Folder()
      try cut.write(killed.bytes())
      try cut.write(Array(whole[..<length]), to: "blupow.sqlite-wal")
      let loaded = LoadedStore(directory: cut.path)
      #expect(loaded.warnings == [] && loaded.failure == nil, "cut to \(length)")
      let devices = loaded.records.filter { $0.kind == "device" }
      #expect(devices == Array(Self.saved.prefix(devices.count)))
      #expect(loaded.records.first { $0.kind == "count" }?.text ?? "0" == "\(devices.count)", "cut to \(length)")
      counts.insert(devices.count)
      loaded.store?.close()
    }
    #expect(counts == Set(0...20))
    store.close()
  }

  /// Damages the leaf page that holds `text`, of a table (13) or an index (10).
  private func damage(_ folder: Folder, leaf kind: UInt8, holding text: String, _ deed: (inout [UInt8], Int) -> Void) throws {
    var bytes = try folder.bytes()
    let wanted = Array(text.utf8)
    let page = try #require(
      stride(from: 0, to: bytes.count, by: 4096).first { start in
        bytes[start] == kind && bytes[start..<start + 4096].firstRange(of: wanted) != nil
      })
    deed(&bytes, page)
    try folder.write(bytes)
  }

  @Test func `an index that is not its table's is damage, though loading does not need it`() async throws {
    let folder = try Folder()
    try folder.fill(Self.saved)
    try damage(folder, leaf: 10, holding: "Device 17") { bytes, page in
      if let found = bytes[page..<page + 4096].firstRange(of: Array("Device 17".utf8)) { bytes[found.upperBound - 1] += 1 }
    }
    let found = try await judge(folder, "index")
    #expect(found.count == 0)
    #expect(
      found.warnings
        == ["\(folder.database) is damaged: integrity_check('record') does not find it sound. A new one is begun."])
  }

  @Test func `so is what stands in a table that nobody has looked at yet`() async throws {
    let folder = try Folder()
    try folder.fill(Self.saved)
    try folder.sql("CREATE TABLE later (text); INSERT INTO later VALUES ('of a later version'), ('and more')")
    // The first cell's place: outside of its page.
    try damage(folder, leaf: 13, holding: "of a later version") { bytes, page in
      bytes[page + 8] = 0xff
      bytes[page + 9] = 0xff
    }
    let found = try await judge(folder, "later")
    #expect(found.count == 0)
    #expect(found.warnings == ["\(folder.database) is damaged: quick_check(1) does not find it sound. A new one is begun."])
  }

  @Test(arguments: [UInt64(1), 2, 3, 4]) func `bits that flipped in the database`(seed: UInt64) async throws {
    var dice = Dice(seed: seed)
    let folder = try Folder()
    try folder.fill(Self.saved)
    let whole = try folder.bytes()
    var found = (whole: 0, partly: 0, none: 0)
    for flip in 0..<100 {
      var bytes = whole
      // A single bit, some, or a torn piece.
      let at = dice.roll(0...bytes.count - 1)
      switch flip % 4 {
      case 0, 1: bytes[at] ^= 1 << UInt8(dice.roll(0...7))
      case 2: for _ in 0..<5 { bytes[dice.roll(0...bytes.count - 1)] ^= 1 << UInt8(dice.roll(0...7)) }
      default: for index in at..<min(at + 512, bytes.count) { bytes[index] = 0 }
      }
      let flipped = try Folder()
      try flipped.write(bytes)
      let (count, warnings) = try await judge(flipped, "seed \(seed), flip \(flip), at \(at)")
      switch count {
      case 40: found.whole += 1
      case 0: found.none += 1
      default: found.partly += 1
      }
      if count < 40 { #expect(warnings.count == 1, "seed \(seed), flip \(flip)") }
    }
    // The flips do hit: the file is not all empty space, nor is every flip its end.
    #expect(found.whole > 0 && found.partly > 0 && found.none > 0, "\(found)")
  }

  @Test(arguments: [UInt64(5), 6]) func `bits that flipped in the log`(seed: UInt64) async throws {
    var dice = Dice(seed: seed)
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    var saved = Self.saved
    try store.save(changed: Self.saved)
    for round in 0..<5 {
      let changed = Self.saved.map { record($0.key, "\($0.text) \(round)") }
      try store.save(changed: changed)
      saved += changed
    }
    let killed = try folder.copy()
    let log = try killed.bytes(of: "blupow.sqlite-wal")
    var rounds: Set<String> = []
    for flip in 0..<60 {
      var bytes = log
      let at = dice.roll(0...bytes.count - 1)
      bytes[at] ^= 1 << UInt8(dice.roll(0...7))
      let flipped = try Folder()
      try flipped.write(killed.bytes())
      try flipped.write(bytes, to: "blupow.sqlite-wal")
      let loaded = LoadedStore(directory: flipped.path)
      for record in loaded.records { #expect(saved.contains(record), "seed \(seed), flip \(flip), at \(at)") }
      // Whole saves: all of one round.
      let ends = Set(loaded.records.map { String($0.text.suffix(2)) })
      #expect(ends.count <= 1, "seed \(seed), flip \(flip), at \(at): \(ends)")
      rounds.formUnion(ends)
      loaded.store?.close()
      try await judge(flipped, among: saved, "seed \(seed), flip \(flip)")
    }
    #expect(rounds.count > 1)
    store.close()
  }
}
