import GRDB
import Readings
import Synchronization

/// The one file on disk that survives restarts: small documents by name, in SQLite.
///
/// Its calls wait for the disk, a second or more for one that is slow: not for a thread that others need.
package final class Store: Sendable {
  private let file: StoreFile
  private let queue: DatabaseQueue
  private let standing: Mutex<StoreFile.Standing>
  private let lock: Mutex<StoreLock?>

  /// Opens or begins the store in `directory`, which is made where it is missing. A file that is damaged, somebody else's or of a later
  /// version is renamed to `blupow.sqlite.set-aside-<UTC time>`, and another begun; of that the warning says what to say.
  ///
  /// - Parameter distrusted: why the file is to be set aside unseen.
  package static func open(
    directory: String, distrusted: StoreError? = nil
  ) throws(StoreError) -> (store: Store, warning: StoreTrouble?) {
    let file = StoreFile(directory: directory)
    try file.makeDirectory()
    let lock = try StoreLock.acquire(in: directory)
    let (queue, warning) = try Schema.records.openOrBegin(file, distrusted: distrusted)
    return (try Store(file, queue, lock), warning)
  }

  private init(_ file: StoreFile, _ queue: DatabaseQueue, _ lock: consuming StoreLock) throws(StoreError) {
    guard let standing = StoreFile.Standing(of: file) else { throw StoreError(.gone, file.path) }
    self.file = file
    self.queue = queue
    self.standing = Mutex(standing)
    self.lock = Mutex(lock)
  }

  /// Everything kept, in the order in which it first came. What is not as it was saved, or over a limit, is removed, and the warning
  /// says so.
  package func load() throws(StoreError) -> (records: [Record], warning: StoreTrouble?) {
    do {
      return try queue.writeWithoutTransaction { database in
        var records: [Record] = []
        var bad: [Int64] = []
        var last: Int64 = 0
        let rows = try Row.fetchCursor(database, sql: Schema.select, arguments: [Record.maxText, Record.maxCount])
        while let row = try rows.next() {
          guard case .int64(let id) = (row[0] as DatabaseValue).storage else { continue }
          last = id
          if let record = Self.record(row) { records.append(record) } else { bad.append(id) }
        }
        let surplus = try Schema.count(database, "record") - Int64(records.count + bad.count)
        guard !bad.isEmpty || surplus > 0 else { return (records, nil) }
        // It is no misfortune where this fails: they are passed over again next time.
        try? database.inTransaction(.immediate) {
          for id in bad { try database.execute(sql: "DELETE FROM record WHERE id = ?", arguments: [id]) }
          if surplus > 0 { try database.execute(sql: "DELETE FROM record WHERE id > ?", arguments: [last]) }
          return .commit
        }
        return (records, passedOver(bad.count, surplus: Int(surplus)))
      }
    } catch {
      throw StoreError(error, file.path)
    }
  }

  private static func record(_ row: Row) -> Record? {
    func value(_ column: Int) -> DatabaseValue.Storage { (row[column] as DatabaseValue).storage }
    guard case .string(let kind) = value(1), case .string(let key) = value(2), case .string(let text) = value(3),
      case .int64(let sum) = value(4)
    else { return nil }
    let record = Record(kind: kind, key: key, text: text)
    return record.fault == nil && record.sum == sum ? record : nil
  }

  private func passedOver(_ bad: Int, surplus: Int) -> StoreTrouble {
    let reasons = [
      bad > 0 ? "\(bad) not as they were saved" : nil, surplus > 0 ? "\(surplus) over the limit of \(Record.maxCount)" : nil,
    ].compactMap(\.self)
    return StoreTrouble(
      message: "Records in \(file.path) were passed over and removed: \(reasons.joined(separator: ", ")).",
      advice: "What they held is learned again; where this happens again, look at the disk (dmesg).")
  }

  /// All of it or nothing. After an error the next call may work, without opening again.
  package func save(changed: [Record], removed: [Key] = []) throws(StoreError) {
    guard !changed.isEmpty || !removed.isEmpty else { return }
    for record in changed {
      if let fault = record.fault { throw StoreError(.unfit(fault), file.path) }
    }
    guard standing.withLock({ $0.holds(for: file) }) else { throw StoreError(.gone, file.path) }
    do {
      try queue.inTransaction(.immediate) { database in
        let delete = try database.cachedStatement(sql: Schema.delete)
        for name in removed { try delete.execute(arguments: [name.kind, name.key]) }
        let upsert = try database.cachedStatement(sql: Schema.upsert)
        for record in changed {
          try upsert.execute(arguments: [record.kind, record.key, record.text, record.sum])
        }
        guard try Schema.count(database, "record") <= Int64(Record.maxCount) else {
          throw StoreError(.unfit("there would be more than \(Record.maxCount)"), file.path)
        }
        return .commit
      }
    } catch {
      throw StoreError(error, file.path)
    }
    // From here on they may not be shorter than this; where they are not the same any more, the next save says so.
    standing.withLock { _ = $0.holds(for: file) }
  }

  /// Moves the log into the database, and lets another Store have the directory. Nothing can be saved after it.
  package func close() {
    try? queue.close()
    lock.withLock { $0 = nil }
  }
}
