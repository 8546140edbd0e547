import Foundation
import Logging
import Synchronization
import Rig
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(5))) struct StoreKeeperTests {
  /// What the service knows, and what it is told.
  private final class Service: Sendable {
    private let known = Mutex<[Store.Record]>([])
    private let told = Mutex<[StoreTrouble?]>([])
    private let asked = Mutex(0)

    init(_ records: [Store.Record]) { know(records) }

    func know(_ records: [Store.Record]) { known.withLock { $0 = records } }
    var troubles: [StoreTrouble?] { told.withLock(\.self) }
    /// How many times it gave its records.
    var rounds: Int { asked.withLock(\.self) }

    func keeper(_ loaded: LoadedStore, reopening: Duration = .milliseconds(20)) -> StoreKeeper {
      StoreKeeper(
        loaded, period: .milliseconds(5), reopening: reopening,
        records: {
          self.asked.withLock { $0 += 1 }
          return self.known.withLock(\.self)
        }, trouble: { trouble in self.told.withLock { $0.append(trouble) } },
        log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Until it has been asked so many times more: the round before the last is over by then.
    func rounds(_ count: Int) async throws {
      let until = rounds + count
      try await wait { self.rounds >= until }
    }
  }

  /// The suite's limit in time ends what never comes.
  private static func wait(_ condition: () throws -> Bool) async throws {
    while try !condition() { try await Task.sleep(for: .milliseconds(2)) }
  }

  private func stop(_ running: Task<Void, Never>) async {
    running.cancel()
    await running.value
  }

  private func kept(_ folder: Folder) throws -> [Store.Record] {
    let store = try Store.open(directory: folder.path).store
    defer { store.close() }
    return try store.load().records
  }

  @Test func `it goes on with what was loaded, writes what changed and removes what is gone`() async throws {
    let folder = try Folder()
    try folder.fill([record("a", "1"), record("b", "1"), record("c", "1")])
    let loaded = await StoreKeeper.load(directory: folder.path)
    #expect(loaded.records == [record("a", "1"), record("b", "1"), record("c", "1")])
    #expect(loaded.warnings == [] && loaded.failure == nil)
    let service = Service([record("a", "1"), record("c", "2"), record("d", "1")])
    let running = Task { [keeper = service.keeper(loaded)] in await keeper.run() }
    try await service.rounds(2)
    await stop(running)
    #expect(try kept(folder) == [record("a", "1"), record("c", "2"), record("d", "1")])
    #expect(service.troubles == [])
  }

  @Test func `what changed last is saved when it is cancelled`() async throws {
    let folder = try Folder()
    let service = Service([record("a", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    service.know([record("a", "2")])
    await stop(running)
    #expect(try kept(folder) == [record("a", "2")])
  }

  @Test func `cancelled before its first round it saves still`() async throws {
    let folder = try Folder()
    let service = Service([record("a", "1")])
    let keeper = service.keeper(await StoreKeeper.load(directory: folder.path))
    let running = Task { await keeper.run() }
    await stop(running)
    #expect(try kept(folder) == [record("a", "1")])
  }

  @Test func `nothing is written while nothing changes`() async throws {
    let folder = try Folder()
    let service = Service([record("a", "1"), record("b", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    let before = try ["blupow.sqlite", "blupow.sqlite-wal"].map { try folder.bytes(of: $0) }
    service.know([record("b", "1"), record("a", "1")])
    try await service.rounds(10)
    #expect(try ["blupow.sqlite", "blupow.sqlite-wal"].map { try folder.bytes(of: $0) } == before)
    await stop(running)
  }

  @Test func `a store that cannot be opened is told of once, and used when it can`() async throws {
    let folder = try Folder()
    try folder.fill([record("old", "1")])
    rename(folder.database, "\(folder.path)/away")
    mkfifo(folder.database, 0o600)
    let loaded = await StoreKeeper.load(directory: folder.path)
    #expect(loaded.failure?.cause == .notAFile("a pipe"))
    let service = Service([record("a", "1")])
    let running = Task { [keeper = service.keeper(loaded)] in await keeper.run() }
    try await Self.wait { service.troubles.count == 1 }
    // Time for some more attempts: it is still told of once.
    try await Task.sleep(for: .milliseconds(200))
    #expect(service.troubles == [StoreError(.notAFile("a pipe"), folder.database).trouble])
    rename("\(folder.path)/away", folder.database)
    try await Self.wait { service.troubles.count == 2 }
    #expect(service.troubles.last == .some(nil))
    await stop(running)
    #expect(try kept(folder) == [record("a", "1")])
  }

  @Test func `a file that is deleted under it is told of once; after three failures another has everything`() async throws {
    let folder = try Folder()
    let service = Service([record("a", "1"), record("b", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    unlink(folder.database)
    try await service.rounds(2)
    // Nothing to save, nothing failed.
    #expect(service.troubles == [])
    service.know([record("a", "2"), record("b", "1")])
    try await Self.wait { service.troubles.count == 2 }
    #expect(service.troubles == [StoreError(.gone, folder.database).trouble, nil])
    await stop(running)
    #expect(try kept(folder) == [record("a", "2"), record("b", "1")])
    #expect(try folder.setAside == [])
  }

  @Test func `a file that is replaced under it is set aside`() async throws {
    let folder = try Folder()
    let service = Service([record("a", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    unlink(folder.database)
    try folder.write(Array("somebody's".utf8))
    service.know([record("a", "2")])
    try await Self.wait { service.troubles.count == 2 }
    await stop(running)
    #expect(try kept(folder) == [record("a", "2")])
    #expect(try folder.setAside.map { String(decoding: try folder.bytes(of: $0), as: UTF8.self) } == ["somebody's"])
  }

  @Test func `a second file within the hour is not begun`() async throws {
    let folder = try Folder()
    let service = Service([record("a", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    for round in 2...3 {
      try await service.rounds(2)
      unlink(folder.database)
      service.know([record("a", "\(round)")])
      try await Self.wait { service.troubles.count == (round - 1) * 2 - (round - 2) }
      try await service.rounds(8)
    }
    #expect(service.troubles.map { $0 == nil } == [false, true, false])
    #expect(try !folder.names.contains("blupow.sqlite"))
    await stop(running)
  }

  @Test func `a record that cannot be kept does not keep the others from it`() async throws {
    let folder = try Folder()
    let service = Service(
      [record("a", "1"), record("long", String(repeating: "x", count: 65_537)), record("a", "again"), record("b", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    await stop(running)
    #expect(try kept(folder) == [record("a", "1"), record("b", "1")])
    #expect(service.troubles == [])
  }

  @Test func `names that Swift takes for the same are kept apart`() async throws {
    let folder = try Folder()
    let service = Service([record("Caf\u{e9}", "composed"), record("Cafe\u{301}", "decomposed")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    service.know([record("Cafe\u{301}", "decomposed")])
    await stop(running)
    #expect(try kept(folder).map(\.text) == ["decomposed"])
  }

  @Test func `of more than 5,000 records the first are kept`() async throws {
    let folder = try Folder()
    let service = Service((1...5001).map { record("\($0)", "{}") })
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: folder.path))] in await keeper.run() }
    try await service.rounds(2)
    await stop(running)
    let kept = try kept(folder)
    #expect(kept.count == 5000)
    #expect(kept.last == record("5000", "{}"))
  }

  @Test(.enabled(if: Disk.isToBeHad, "needs to mount a small tmpfs: as root, outside of most containers"))
  func `a full disk is told of once, and so is its end`() async throws {
    let disk = try Disk(kibibytes: 512)
    let service = Service([record("a", "1")])
    let running = Task { [keeper = service.keeper(await StoreKeeper.load(directory: disk.path))] in await keeper.run() }
    try await service.rounds(2)
    disk.fill()
    service.know([record("a", String(repeating: "x", count: 30_000))])
    try await service.rounds(10)
    #expect(service.troubles == [StoreError(.full, "\(disk.path)/blupow.sqlite").trouble])
    disk.free()
    try await Self.wait { service.troubles.count == 2 }
    #expect(service.troubles.last == .some(nil))
    await stop(running)
    let store = try Store.open(directory: disk.path).store
    #expect(try store.load().records.first?.text.utf8.count == 30_000)
  }
}
