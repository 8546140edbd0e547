import GRDB

/// The database inside a file: how it is opened, what makes it ours, and how it came to its tables.
struct Schema: Sendable {
  /// At byte 68 of the file (https://www.sqlite.org/fileformat.html#application_id): what `file` and we know it by.
  var applicationID: Int64
  /// A later version adds one below; none is ever changed.
  var migrator: DatabaseMigrator
  /// All that is ever asked of it.
  var statements: [String]
  /// Held against its indexes when it is opened; `nil`: too large for that.
  var small: String?
  /// Pragmas of every connection, before its first access.
  var pragmas: [String]
  /// Of every connection.
  static let caution = ["trusted_schema = OFF", "cell_size_check = ON"]

  private var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "blupow.store"
    configuration.busyMode = .timeout(1)
    let pragmas = pragmas + ["synchronous = NORMAL"] + Self.caution
    configuration.prepareDatabase { database in
      for pragma in pragmas { try database.execute(sql: "PRAGMA \(pragma)") }
    }
    return configuration
  }

  /// Opens what stands there, or begins another: a file that is damaged, somebody else's or of a later version is set aside, and of
  /// that the warning says what to say.
  ///
  /// - Parameter distrusted: why the file is to be set aside unseen.
  func openOrBegin(_ file: StoreFile, distrusted: StoreError?) throws(StoreError) -> (DatabaseQueue, StoreTrouble?) {
    let warning = if let distrusted { try setAside(file, distrusted) } else { nil as StoreTrouble? }
    do throws(StoreError) {
      try file.prepare()
      return (try open(file), warning)
    } catch {
      guard error.blamesFile, distrusted == nil else { throw error }
      return try openOrBegin(file, distrusted: error)
    }
  }

  private func setAside(_ file: StoreFile, _ why: StoreError) throws(StoreError) -> StoreTrouble {
    let place = try file.setAside()
    var advice = place.map { "The old one is kept as \($0)." } ?? why.advice
    if place != nil, case .newer = why.cause { advice += " \(why.advice)" }
    return StoreTrouble(message: "\(why.message) A new one is begun.", advice: advice)
  }

  /// Opens what stands there, if it is ours and sound; makes it ours, if it is empty.
  ///
  /// In WAL mode with synchronous NORMAL: after a kill -9 at any instant, or a crash of the program, everything saved is there. After a
  /// power cut the last saves may be missing (what the kernel had not written: some half a minute, and up to 4 MiB of log), but never
  /// half of one: a save is there with all before it, or not at all.
  func open(_ file: StoreFile) throws(StoreError) -> DatabaseQueue {
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
  private func verify(_ database: Database, _ file: StoreFile) throws {
    let objects = try Self.count(database, "sqlite_master")
    if case .int64(0) = try Self.first(database, "PRAGMA application_id"), objects == 0 {
      // In a transaction of its own and before all else: a kill -9 between any two steps leaves what is still known as ours.
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
    }
    try recognise(database, file)
    try check(database, "PRAGMA quick_check(1)", file)
    // Ours has no code of its own in it.
    guard try Self.count(database, "sqlite_master WHERE type NOT IN ('table', 'index')") == 0 else {
      throw StoreError(.damaged("it holds triggers or views"), file.path)
    }
  }

  /// It is one of ours, and of no later version.
  func recognise(_ database: Database, _ file: StoreFile) throws {
    guard case .int64(let id) = try Self.first(database, "PRAGMA application_id"), id == applicationID else {
      throw StoreError(.foreign, file.path)
    }
    if try Self.count(database, "sqlite_master WHERE name = 'grdb_migrations'") > 0 {
      let applied = try Row.fetchAll(database, sql: "SELECT identifier FROM grdb_migrations LIMIT 1000").map { row in
        guard case .string(let identifier) = (row[0] as DatabaseValue).storage else {
          throw StoreError(.damaged("a migration without a name"), file.path)
        }
        return identifier
      }
      let unknown = applied.filter { !migrator.migrations.contains($0) }
      guard unknown.isEmpty else { throw StoreError(.newer(unknown.prefix(3).map { "\"\($0.prefix(40))\"" }), file.path) }
    }
  }

  /// The tables are as our statements expect them, indexes included (quick_check passes over those).
  private func begin(_ database: Database, _ file: StoreFile) throws {
    for statement in statements { _ = try database.makeStatement(sql: statement) }
    if let small { try check(database, "PRAGMA integrity_check('\(small)')", file) }
    guard case .string("wal") = try Self.first(database, "PRAGMA journal_mode = WAL") else {
      throw StoreError(.other("SQLite keeps no write-ahead log there"), file.path)
    }
    // The first read opens the log, so that its identity is known from here on.
    _ = try Self.count(database, "grdb_migrations")
  }

  private func check(_ database: Database, _ pragma: String, _ file: StoreFile) throws {
    guard case .string(let verdict) = try Self.first(database, pragma), verdict == "ok" else {
      throw StoreError(.damaged("\(pragma.dropFirst(7)) does not find it sound"), file.path)
    }
  }

  static func count(_ database: Database, _ what: String) throws -> Int64 {
    guard case .int64(let count) = try first(database, "SELECT count(*) FROM \(what)") else { return 0 }
    return count
  }

  /// Raw values only: GRDB ends the process where a value is not of the type that is asked for.
  static func first(_ database: Database, _ sql: String) throws -> DatabaseValue.Storage {
    guard let row = try Row.fetchOne(database, sql: sql) else { return .null }
    return (row[0] as DatabaseValue).storage
  }
}
