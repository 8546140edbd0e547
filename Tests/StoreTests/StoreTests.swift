import Foundation
import Testing

@testable import Store

@Suite struct StoreTests {
  @Test func `what is saved is there after a restart, in order, byte for byte`() throws {
    let folder = try Folder()
    let records = [
      record("Cabin", #"{"text":"Ünïcode \u0000 and 'quotes'"}"#), record("Cabin", "{}", kind: "module"), record("Attic", ""),
    ]
    try folder.fill(records)
    let (store, warning) = try Store.open(directory: folder.path)
    #expect(warning == nil)
    let loaded = try store.load()
    #expect(loaded.records == records)
    #expect(loaded.warning == nil)
  }

  @Test func `a save replaces and removes, by kind and key`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: [record("a", "1"), record("b", "1"), record("a", "1", kind: "module")])
    try store.save(changed: [record("a", "2")], removed: [Store.Key(kind: "device", key: "b")])
    #expect(try store.load().records == [record("a", "2"), record("a", "1", kind: "module")])
  }

  @Test func `names that Swift takes for the same are two, as for SQLite`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: [record("Caf\u{e9}", "composed"), record("Cafe\u{301}", "decomposed")])
    try store.save(changed: [], removed: [Store.Key(kind: "device", key: "Caf\u{e9}")])
    #expect(try store.load().records.map(\.text) == ["decomposed"])
  }

  @Test func `what is not closed is not lost`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: [record("a", "1")])
    let copy = try folder.copy()
    #expect(try Store.open(directory: copy.path).store.load().records == [record("a", "1")])
    #expect(try store.load().records.count == 1)
  }

  // MARK: Limits

  @Test(arguments: [
    (record("a", String(repeating: "x", count: 65_537)), "its text has 65537 bytes, of 65536 allowed"),
    (record("a", "\0"), "its text holds a NUL"),
    (record("", "{}"), "its name has no or more than 256 bytes, or a NUL"),
    (record(String(repeating: "k", count: 257), "{}"), "its name has no or more than 256 bytes, or a NUL"),
    (record("a", "{}", kind: "x\0"), "its name has no or more than 256 bytes, or a NUL"),
  ])
  func `a record over a limit is refused, and nothing of its save is kept`(unfit: Store.Record, why: String) throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    let refusal = #expect(throws: StoreError.self) { try store.save(changed: [record("good", "{}"), unfit]) }
    #expect(refusal?.cause == .unfit(why))
    #expect(try store.load().records == [])
  }

  @Test func `a text of 64 KiB is kept`() throws {
    let folder = try Folder()
    let text = String(repeating: "é", count: 32_768)
    try folder.fill([record("a", text)])
    #expect(try Store.open(directory: folder.path).store.load().records == [record("a", text)])
  }

  @Test func `5,000 records are kept, and one more is refused with all of its save`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: (1...5000).map { record("\($0)", "{}") })
    let refusal = #expect(throws: StoreError.self) { try store.save(changed: [record("1", "new"), record("5001", "{}")]) }
    #expect(refusal?.cause == .unfit("there would be more than 5000"))
    let loaded = try store.load()
    #expect(loaded.records.count == 5000)
    #expect(loaded.records[0].text == "{}")
  }

  @Test func `what somebody else made too long or too many is passed over, told of, and gone`() throws {
    let folder = try Folder()
    try folder.fill([record("good", "{}")])
    try folder.sql(
      """
      INSERT INTO record (kind, key, text, sum) VALUES ('device', 'long', hex(zeroblob(40000)), 0), ('device', 'blob', x'00', 0);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO record (kind, key, text, sum) SELECT 'device', i, '{}', 0 FROM n;
      """)
    let store = try Store.open(directory: folder.path).store
    let loaded = try store.load()
    #expect(loaded.records == [record("good", "{}")])
    #expect(
      loaded.warning?.message
        == "Records in \(folder.database) were passed over and removed: 4999 not as they were saved, 3 over the limit of 5000.")
    #expect(try store.load().warning == nil)
  }

  // MARK: Files

  @Test func `the directory is made, with those above it; it and its files are nobody else's to read`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: "\(folder.path)/state/blupow").store
    try store.save(changed: [record("a", "{}")])
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: "\(folder.path)/state\(path)")[.posixPermissions] as? Int
    }
    #expect(try mode("") == 0o700)
    #expect(try mode("/blupow") == 0o700)
    for name in ["blupow.sqlite", "blupow.sqlite-wal", "blupow.lock"] { #expect(try mode("/blupow/\(name)") == 0o600, "\(name)") }
  }

  @Test func `a file that others could read is theirs no more`() throws {
    let folder = try Folder()
    try folder.fill([record("a", "{}")])
    chmod(folder.database, 0o644)
    _ = try Store.open(directory: folder.path)
    #expect(try FileManager.default.attributesOfItem(atPath: folder.database)[.posixPermissions] as? Int == 0o600)
  }

  @Test func `nothing is written where nothing changed, and no index is mapped that somebody could cut`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    try store.save(changed: [record("a", "{}")])
    let before = try folder.names.map { try folder.bytes(of: $0) }
    try store.save(changed: [])
    #expect(try folder.names.map { try folder.bytes(of: $0) } == before)
    #expect(try folder.names == ["blupow.lock", "blupow.sqlite", "blupow.sqlite-wal"])
  }

  @Test func `a second store in one directory is refused until the first is closed`() throws {
    let folder = try Folder()
    let first = try Store.open(directory: folder.path).store
    let refusal = #expect(throws: StoreError.self) { try Store.open(directory: folder.path) }
    #expect(
      refusal?.description
        == "Another BluPow service uses \(folder.path). Stop one of the two, or give this one a state_dir of its own.")
    #expect(try folder.setAside == [])
    first.close()
    _ = try Store.open(directory: folder.path)
  }

  @Test func `a closed store saves nothing and says so`() throws {
    let folder = try Folder()
    let store = try Store.open(directory: folder.path).store
    store.close()
    #expect(throws: StoreError.self) { try store.save(changed: [record("a", "{}")]) }
    #expect(throws: StoreError.self) { try store.load() }
  }
}
