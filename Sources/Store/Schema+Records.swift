import GRDB

extension Schema {
  /// Of the store.
  static let records = Schema(
    applicationID: 0x426c_7550,  // "BluP"
    migrator: migrator, statements: [select, upsert, delete], small: "record",
    // Exclusive before the first access: SQLite then keeps the log's index in its own memory. One in a shared file (-shm) is mapped,
    // and kills this process with SIGBUS when somebody cuts it.
    pragmas: ["locking_mode = EXCLUSIVE"])

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
}
