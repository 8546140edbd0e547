import GRDB

extension Schema {
  /// Of the history. Readers in other processes share it: the log's index is in a file, as SQLite has it by default.
  static let history = Schema(
    applicationID: 0x426c_7548,  // "BluH"
    migrator: migrator, statements: [chunk, quarter, upsertChunk, upsertQuarter], small: nil,
    // Before the first table. Pages of half the usual size: each save writes each page that it touches. What retention frees can be
    // given back. A log of 4 MiB is worked in less than once a day: a page that is written at every save reaches the database once.
    pragmas: ["page_size = 2048", "auto_vacuum = INCREMENTAL", "wal_autocheckpoint = 2000"])

  private static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("polls") { database in
      try database.execute(
        sql: """
          CREATE TABLE device (
            id INTEGER PRIMARY KEY,
            address TEXT NOT NULL,
            unit INTEGER NOT NULL,
            simulated INTEGER NOT NULL,
            name TEXT NOT NULL,
            UNIQUE (address, unit, simulated));
          CREATE TABLE key (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            unit TEXT NOT NULL,
            number INTEGER NOT NULL,
            derived INTEGER NOT NULL,
            raw_sign INTEGER NOT NULL,
            UNIQUE (key, unit, number, derived, raw_sign));
          CREATE TABLE device_key (device INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (device, key)) WITHOUT ROWID;
          CREATE TABLE word (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
          CREATE TABLE chunk (
            id INTEGER PRIMARY KEY,
            start INTEGER NOT NULL,
            device INTEGER NOT NULL,
            trusted INTEGER NOT NULL,
            open INTEGER NOT NULL,
            polls BLOB NOT NULL);
          CREATE INDEX chunk_start ON chunk (start, device, trusted);
          CREATE TABLE quarter (
            device INTEGER NOT NULL,
            start INTEGER NOT NULL,
            trusted INTEGER NOT NULL,
            sums BLOB NOT NULL,
            PRIMARY KEY (device, start)) WITHOUT ROWID;
          """)
    }
    return migrator
  }()

  /// A device's rows that begin within a range.
  static let chunk = """
    SELECT id, start, trusted, open, polls FROM chunk INDEXED BY chunk_start
    WHERE start >= ? AND start < ? AND device = ? ORDER BY start, id
    """
  static let quarter = "SELECT start, sums FROM quarter WHERE device = ? AND start >= ? AND start < ? ORDER BY start"
  static let upsertChunk = """
    INSERT INTO chunk (id, start, device, trusted, open, polls) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET open = excluded.open, polls = excluded.polls
    WHERE chunk.start = excluded.start AND chunk.device = excluded.device
    """
  static let upsertQuarter = """
    INSERT INTO quarter (device, start, trusted, sums) VALUES (?, ?, ?, ?)
    ON CONFLICT (device, start) DO UPDATE SET trusted = excluded.trusted, sums = excluded.sums
    """
}
