import GRDB

/// The database inside the file: how it is opened, what makes it ours, and how it came to its tables.
enum Schema {
  /// "BluP", at byte 68 of the file (https://www.sqlite.org/fileformat.html#application_id): what `file` and we know it by.
  static let applicationID: Int64 = 0x426c_7550

  /// A later version adds one below; none is ever changed.
  private static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("records") { database in
      // With a row number of its own: texts of some kilobytes would make an index of pages out of (kind, key).
      try database.execute(
        sql: """
          CREATE TABLE record (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            text TEXT NOT NULL,
            sum INTEGER NOT NULL,
            UNIQUE (kind, key))
          """)
    }
    return migrator
  }()

  /// Takes at most `limits.text` bytes of a text into memory.
  static let select =
    "SELECT id, kind, key, CASE WHEN length(CAST(text AS BLOB)) <= ? THEN text END, sum FROM record ORDER BY id LIMIT ?"
  static let upsert = """
    INSERT INTO record (kind, key, text, sum) VALUES (?, ?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET text = excluded.text, sum = excluded.sum
    """
  static let delete = "DELETE FROM record WHERE kind = ? AND key = ?"

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "blupow.store"
    configuration.busyMode = .timeout(1)
    configuration.prepareDatabase { database in
      // Exclusive before the first access: SQLite then keeps the log's index in its own memory. One in a shared file (-shm) is
      // mapped, and kills this process with SIGBUS when somebody cuts it.
      try database.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
      try database.execute(sql: "PRAGMA synchronous = NORMAL")
      try database.execute(sql: "PRAGMA trusted_schema = OFF")
      try database.execute(sql: "PRAGMA cell_size_check = ON")
    }
    return configuration
  }

  /// Opens what stands there, if it is ours and sound; makes it ours, if it is empty.
  ///
  /// In WAL mode with synchronous NORMAL: after a kill -9 at any instant, or a crash of the program, everything saved is there. After a
  /// power cut the last saves may be missing (what the kernel had not written: some half a minute, and up to 4 MiB of log), but never
  /// half of one: a save is there with all before it, or not at all.
  static func open(_ file: StoreFile) throws(StoreError) -> DatabaseQueue {
    do {
      let queue = try DatabaseQueue(path: file.path, configuration: configuration)
      do {
        try queue.writeWithoutTransaction { try verify($0, file) }
        try migrator.migrate(queue)
        try queue.writeWithoutTransaction { try begin($0, file) }
      } catch {
        try? queue.close()
        throw error
      }
      return queue
    } catch {
      throw StoreError(error, file.path)
    }
  }

  /// Nothing is written before this has passed.
  private static func verify(_ database: Database, _ file: StoreFile) throws {
    let objects = try count(database, "sqlite_master")
    switch try first(database, "PRAGMA application_id") {
    case .int64(applicationID): break
    // In a transaction of its own and before all else: a kill -9 between any two steps leaves what is still known as ours.
    case .int64(0) where objects == 0: try database.execute(sql: "PRAGMA application_id = \(applicationID)")
    default: throw StoreError(.foreign, file.path)
    }
    if try count(database, "sqlite_master WHERE name = 'grdb_migrations'") > 0 {
      let applied = try Row.fetchAll(database, sql: "SELECT identifier FROM grdb_migrations LIMIT 1000").map { row in
        guard case .string(let identifier) = (row[0] as DatabaseValue).storage else {
          throw StoreError(.damaged("a migration without a name"), file.path)
        }
        return identifier
      }
      let unknown = applied.filter { !migrator.migrations.contains($0) }
      guard unknown.isEmpty else { throw StoreError(.newer(unknown.prefix(3).map { "\"\($0.prefix(40))\"" }), file.path) }
    }
    try check(database, "PRAGMA quick_check(1)", file)
    // Ours has no code of its own in it.
    guard try count(database, "sqlite_master WHERE type NOT IN ('table', 'index')") == 0 else {
      throw StoreError(.damaged("it holds triggers or views"), file.path)
    }
  }

  /// The tables are as our statements expect them, indexes included (quick_check passes over those).
  private static func begin(_ database: Database, _ file: StoreFile) throws {
    for statement in [select, upsert, delete] { _ = try database.makeStatement(sql: statement) }
    try check(database, "PRAGMA integrity_check('record')", file)
    guard case .string("wal") = try first(database, "PRAGMA journal_mode = WAL") else {
      throw StoreError(.other("SQLite keeps no write-ahead log there"), file.path)
    }
    // The first read opens the log, so that its identity is known from here on.
    _ = try count(database, "record")
  }

  private static func check(_ database: Database, _ pragma: String, _ file: StoreFile) throws {
    guard case .string(let verdict) = try first(database, pragma), verdict == "ok" else {
      throw StoreError(.damaged("\(pragma.dropFirst(7)) does not find it sound"), file.path)
    }
  }

  static func count(_ database: Database, _ what: String) throws -> Int64 {
    guard case .int64(let count) = try first(database, "SELECT count(*) FROM \(what)") else { return 0 }
    return count
  }

  /// Raw values only: GRDB ends the process where a value is not of the type that is asked for.
  private static func first(_ database: Database, _ sql: String) throws -> DatabaseValue.Storage {
    guard let row = try Row.fetchOne(database, sql: sql) else { return .null }
    return (row[0] as DatabaseValue).storage
  }
}
