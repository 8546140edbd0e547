import FoundationEssentials
import GRDB
import Readings
import Synchronization

/// The history's file as its one writer has it. Its calls wait for the disk.
package final class HistoryFile: Sendable {
  /// What this much is not read any more of: rows that an earlier process left open are among the last.
  static let maxLeftOpen = 2000
  static let maxDevices = 5000
  static let maxKeys = 5000
  /// Words beyond this are not kept: a device that says another one at every poll would fill the file with them.
  static let maxWords = 50_000
  /// What a clock can say, in milliseconds since 1970.
  private static let times = Int64(-100_000_000_000_000)...100_000_000_000_000
  /// Rows that one round of retention removes at most.
  static let maxRemoved = 5000

  private let file: StoreFile
  private let queue: DatabaseQueue
  private let standing: Mutex<StoreFile.Standing>
  private let lock: Mutex<StoreLock?>
  private let numbers = Mutex(Numbers())
  /// Rows that are new are numbered from here on.
  package let nextID: Int64

  /// What is known by a number in the file.
  struct Numbers {
    var devices: [HistoryEntry.Device: Int64] = [:]
    var keys: [HistoryKey: Int64] = [:]
    var words: [String: Int64] = [:]
    var pairs: Set<Pair> = []

    struct Pair: Hashable {
      var device: Int64
      var key: Int64
    }
  }

  /// Opens or begins it, and rolls up what an earlier process left open.
  package static func open(
    directory: String, distrusted: StoreError? = nil
  ) throws(StoreError) -> (file: HistoryFile, warning: StoreTrouble?) {
    let file = StoreFile(directory: directory, name: StoreFile.historyName)
    try file.makeDirectory()
    let lock = try StoreLock.acquire(in: directory, name: "history.lock")
    let (queue, warning) = try Schema.history.openOrBegin(file, distrusted: distrusted)
    do {
      let next = try queue.inTransactionOfOne { try begin($0) }
      guard let standing = StoreFile.Standing(of: file) else { throw StoreError(.gone, file.path) }
      return (HistoryFile(file, queue, standing, lock, nextID: next), warning)
    } catch {
      try? queue.close()
      throw StoreError(error, file.path)
    }
  }

  private init(
    _ file: StoreFile, _ queue: DatabaseQueue, _ standing: StoreFile.Standing, _ lock: consuming StoreLock, nextID: Int64
  ) {
    self.file = file
    self.queue = queue
    self.standing = Mutex(standing)
    self.lock = Mutex(lock)
    self.nextID = nextID
  }

  /// Lets another one have the directory. Nothing can be saved after it.
  package func close() {
    standing.withLock { $0.mendIndex(of: file) }
    try? queue.close()
    lock.withLock { $0 = nil }
  }

  private static func begin(_ database: Database) throws -> Int64 {
    let rows = try Row.fetchAll(
      database, sql: "SELECT id, start, device, open FROM chunk ORDER BY id DESC LIMIT ?", arguments: [maxLeftOpen])
    for row in rows {
      guard let id = row.whole(0), let start = row.whole(1), let device = row.whole(2), row.whole(3) == 1 else { continue }
      try database.execute(sql: "UPDATE chunk SET open = 0 WHERE id = ?", arguments: [id])
      if times.contains(start) { try rollUp(database, device, HistoryQuarter.begin(of: start)) }
    }
    let last = rows.first?.whole(0) ?? 0
    guard last < 1 << 53 else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
    return last + 1
  }

  // MARK: Saving

  /// All of it or nothing; rows that are there already are replaced. After an error the next call may work, without opening again.
  package func save(_ rows: [HistoryTail.Row]) throws(StoreError) {
    guard !rows.isEmpty else { return }
    try write { database, numbers in
      for row in rows {
        let device = try Self.number(of: row.device, database, &numbers)
        let chunk = try HistoryChunk(polls: row.entries.map { try Self.poll($0, of: row, device, database, &numbers) })
        try database.cachedStatement(sql: Schema.upsertChunk).execute(
          arguments: [row.id, row.start, device, row.isTrusted ? 1 : 0, row.isOpen ? 1 : 0, Data(chunk.packed)])
        // Another's row is not overwritten, whoever made the file what it is.
        guard database.changesCount == 1 else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
        if !row.isOpen { try Self.rollUp(database, device, HistoryQuarter.begin(of: row.start)) }
      }
    }
  }

  /// Makes a device's quarter of all the rows that are in it, whoever wrote them: once or again, it is the same.
  private static func rollUp(_ database: Database, _ device: Int64, _ quarter: Int64) throws {
    var polls: [HistoryChunk.Poll] = []
    var isTrusted = true
    let rows = try Row.fetchCursor(
      database.cachedStatement(sql: Schema.chunk), arguments: [quarter, quarter + HistoryQuarter.lengthMs, device])
    while let row = try rows.next() {
      guard row.whole(3) == 0, let blob = row.blob(4), let chunk = try? HistoryChunk(packed: blob) else { continue }
      polls += chunk.polls
      isTrusted = isTrusted && row.whole(2) == 1
    }
    guard !polls.isEmpty else { return }
    try database.cachedStatement(sql: Schema.upsertQuarter).execute(
      arguments: [device, quarter, isTrusted ? 1 : 0, Data(HistoryQuarter(of: polls).packed)])
  }

  /// In one transaction, where the files are the ones that were opened.
  private func write(_ work: (Database, inout Numbers) throws -> Void) throws(StoreError) {
    guard standing.withLock({ $0.holds(for: file) }) else { throw StoreError(.gone, file.path) }
    do {
      // What was numbered in a transaction that failed is not known.
      let known = numbers.withLock(\.self)
      let (now, bytes) = try queue.inTransactionOfOne { database in
        var numbers = known
        try work(database, &numbers)
        return (numbers, try Self.bytes(database).all)
      }
      numbers.withLock { $0 = now }
      noteStanding(bytes)
    } catch {
      throw StoreError(error, file.path)
    }
  }

  /// From here on they may not be shorter than this; where they are not the same any more, the next save says so.
  private func noteStanding(_ bytes: Int64) {
    standing.withLock {
      _ = $0.holds(for: file)
      $0.allow(shrinkingTo: bytes)
    }
  }

  // MARK: Numbers for names

  private static func poll(
    _ entry: HistoryEntry, of row: HistoryTail.Row, _ device: Int64, _ database: Database, _ numbers: inout Numbers
  ) throws -> HistoryChunk.Poll {
    var poll = HistoryChunk.Poll(
      offset: row.offset(of: entry), connectMs: entry.connectMs, pollMs: entry.pollMs, deadlineMs: entry.deadline.milliseconds)
    if let failure = entry.failure {
      // A closed list: there is always room for them.
      poll.failure = try number(of: failure.name, database, &numbers)
      poll.stage = try number(of: failure.stage, database, &numbers)
    }
    for (name, reading) in entry.readings {
      let isNumber = if case .number = reading.value { true } else { false }
      let key = HistoryKey(
        key: name, unit: reading.unit, isNumber: isNumber, isDerived: entry.derived.contains(name),
        isRawSign: entry.rawSign.contains(name))
      guard let id = try number(of: key, device, database, &numbers) else { continue }
      switch reading.value {
      case .number(let number): poll.values[id] = .number(number)
      case .text(let text):
        let isKept =
          try numbers.words[text] != nil || has(database, "SELECT 1 FROM word WHERE word = ?", [text])
          || Schema.count(database, "word") < Int64(maxWords)
        if isKept { poll.values[id] = .word(try number(of: text, database, &numbers)) }
      }
    }
    return poll
  }

  private static func number(
    of device: HistoryEntry.Device, _ database: Database, _ numbers: inout Numbers
  ) throws -> Int64 {
    if let known = numbers.devices[device] { return known }
    // Under another name it is the same one.
    let id = try database.number(
      """
      INSERT INTO device (address, unit, simulated, name) VALUES (?, ?, ?, ?)
      ON CONFLICT (address, unit, simulated) DO UPDATE SET name = excluded.name RETURNING id
      """, [device.address, Int64(device.unit ?? 0), device.isSimulated ? 1 : 0, device.name])
    numbers.devices = numbers.devices.filter { $0.value != id }
    numbers.devices[device] = id
    return id
  }

  private static func number(
    of key: HistoryKey, _ device: Int64, _ database: Database, _ numbers: inout Numbers
  ) throws -> Int64? {
    let id: Int64
    if let known = numbers.keys[key] {
      id = known
    } else {
      let words: StatementArguments = [
        key.key, key.unit ?? "", key.isNumber ? 1 : 0, key.isDerived ? 1 : 0, key.isRawSign ? 1 : 0,
      ]
      let isKept =
        try has(
          database, "SELECT 1 FROM key WHERE key = ? AND unit = ? AND number = ? AND derived = ? AND raw_sign = ?", words)
        || Schema.count(database, "key") < Int64(maxKeys)
      guard isKept else { return nil }
      id = try database.number(
        """
        INSERT INTO key (key, unit, number, derived, raw_sign) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET key = key RETURNING id
        """, words)
      numbers.keys[key] = id
    }
    if numbers.pairs.insert(Numbers.Pair(device: device, key: id)).inserted {
      try database.execute(sql: "INSERT OR IGNORE INTO device_key (device, key) VALUES (?, ?)", arguments: [device, id])
    }
    return id
  }

  /// Where a limit is reached, what is there already goes on.
  private static func has(_ database: Database, _ sql: String, _ arguments: StatementArguments) throws -> Bool {
    try Row.fetchOne(database, sql: sql, arguments: arguments) != nil
  }

  private static func number(of word: String, _ database: Database, _ numbers: inout Numbers) throws -> Int64 {
    if let known = numbers.words[word] { return known }
    let id = try database.number(
      "INSERT INTO word (word) VALUES (?) ON CONFLICT DO UPDATE SET word = word RETURNING id", [word])
    numbers.words[word] = id
    return id
  }

  // MARK: Retention

  /// Removes what is too old and what is too much, a bounded part of it at once.
  ///
  /// - Parameter before: what began earlier goes, as far as it was recorded by a clock that was right; `nil`: nobody knows what is old.
  /// - Parameter spare: free pages that are kept for what comes.
  package func retain(before: Int64?, maxBytes: Int64, spare: Int64 = 1000) throws(StoreError) {
    try write { database, _ in
      if let before {
        try database.execute(
          sql: """
            DELETE FROM chunk WHERE id IN (
              SELECT id FROM chunk INDEXED BY chunk_start WHERE start < ? AND trusted = 1 ORDER BY start LIMIT ?)
            """, arguments: [before, Self.maxRemoved])
        try database.execute(
          sql: """
            DELETE FROM quarter WHERE (device, start) IN (
              SELECT device, start FROM quarter WHERE start < ? AND trusted = 1 ORDER BY start LIMIT ?)
            """, arguments: [before - HistoryQuarter.lengthMs, Self.maxRemoved])
      }
      // The oldest as they were written: clocks may have been wrong.
      var rounds = 0
      while try Self.bytes(database).used > maxBytes, rounds < 20 {
        try database.execute(sql: "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk ORDER BY id LIMIT 250)")
        if database.changesCount == 0 {
          try database.execute(
            sql: "DELETE FROM quarter WHERE (device, start) IN (SELECT device, start FROM quarter ORDER BY start LIMIT 1000)")
        }
        rounds += 1
      }
    }
    try giveBack(spare)
  }

  /// Of the database, and of those that are in use: pages that are free will be used first.
  private static func bytes(_ database: Database) throws -> (all: Int64, used: Int64) {
    func pragma(_ name: String) throws -> Int64 {
      guard case .int64(let number) = try Schema.first(database, "PRAGMA \(name)") else { return 0 }
      return number
    }
    let (all, size) = (try pragma("page_count"), try pragma("page_size"))
    return (all * size, (all - (try pragma("freelist_count"))) * size)
  }

  /// Room that will not be used soon goes back to the file system, some of it at once: each page costs a write.
  private func giveBack(_ spare: Int64) throws(StoreError) {
    do {
      try queue.writeWithoutTransaction { database in
        guard case .int64(let free) = try Schema.first(database, "PRAGMA freelist_count"),
          case .int64(let all) = try Schema.first(database, "PRAGMA page_count"), free > spare, free > all / 10
        else { return }
        _ = try Row.fetchAll(database, sql: "PRAGMA incremental_vacuum(1000)")
        noteStanding(try Self.bytes(database).all)
      }
    } catch {
      throw StoreError(error, file.path)
    }
  }
}

extension DatabaseQueue {
  /// All of `work` or nothing.
  func inTransactionOfOne<Result>(_ work: (Database) throws -> Result) throws -> Result {
    try writeWithoutTransaction { database in
      var result: Result?
      try database.inTransaction(.immediate) {
        result = try work(database)
        return .commit
      }
      guard let result else { throw DatabaseError(resultCode: .SQLITE_INTERNAL) }
      return result
    }
  }
}

extension Database {
  /// Of a statement that returns one.
  func number(_ sql: String, _ arguments: StatementArguments) throws -> Int64 {
    guard let row = try Row.fetchOne(self, sql: sql, arguments: arguments), let number = row.whole(0) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT)
    }
    return number
  }
}

/// Raw values only: GRDB ends the process where a value is not of the type that is asked for.
extension Row {
  func whole(_ column: Int) -> Int64? {
    guard case .int64(let number) = (self[column] as DatabaseValue).storage else { return nil }
    return number
  }

  func text(_ column: Int) -> String? {
    guard case .string(let text) = (self[column] as DatabaseValue).storage else { return nil }
    return text
  }

  /// Of a length that a row of ours can have.
  func blob(_ column: Int) -> [UInt8]? {
    guard case .blob(let data) = (self[column] as DatabaseValue).storage, data.count <= 1_048_576 else { return nil }
    return Array(data)
  }
}
