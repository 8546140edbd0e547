package import FoundationEssentials
import GRDB
import Glibc
import Readings
import Synchronization

/// Reads the history, whether or not a service writes it meanwhile, in this process or in another. Every call opens the file, reads a
/// bounded amount and closes it again: nothing is held that would keep the writer from its work, and a file that was replaced is seen.
/// In the writer's own process SQLite keeps the descriptor of a reader that has closed, for a lock of the writer's would go with it, and
/// gives it to the next one: that is one, because one reads at a time.
///
/// Its calls wait for the disk and for each other: not for a thread that others need. All times are the wall clock's.
package struct HistoryReader: Sendable {
  /// Of one answer.
  package static let maxPoints = 2000
  /// Of one question.
  package static let maxKeys = 64
  /// Rows of one page of polls.
  private static let maxRows = 48

  package let directory: String
  private static let turn = Turn()

  private final class Turn: Sendable {
    let mutex = Mutex(())
  }

  package init(directory: String) { self.directory = directory }

  /// The devices that there is history of, by name, the configured ones and those of the past.
  ///
  /// - Throws: `.absent` where there is no history yet.
  package func devices() throws(StoreError) -> [HistoryDevice] {
    try read { database in
      var keys: [Int64: [HistoryKey]] = [:]
      for (device, _, key) in try Self.keys(database) { keys[device, default: []].append(key) }
      let rows = try Row.fetchAll(
        database, sql: "SELECT id, name, address, unit, simulated FROM device ORDER BY name, id LIMIT ?",
        arguments: [HistoryFile.maxDevices])
      return rows.compactMap { row in
        guard let id = row.whole(0), let name = row.text(1), let address = row.text(2), let unit = row.whole(3) else {
          return nil
        }
        return HistoryDevice(
          id: id, name: name, address: address, unit: UInt8(exactly: unit).flatMap { $0 == 0 ? nil : $0 },
          isSimulated: row.whole(4) != 0, keys: keys[id] ?? [])
      }
    }
  }

  /// The curves of some keys: what was read in each of at most `points` spans of equal length. A span without a reading has no point;
  /// nothing is put in its place. Words have no curve.
  ///
  /// - Parameters:
  ///   - keys: at most `maxKeys`; one that the device has no numbers of gives no curve.
  ///   - points: 1 to `maxPoints`; what is more is taken for that.
  package func series(
    device: HistoryDevice.ID, keys: [String], from: Date, to: Date, points: Int
  ) throws(StoreError) -> HistorySpans<[HistoryCurve]> {
    try read { database in
      let wanted = Set(keys.prefix(Self.maxKeys))
      let known = try Self.keys(database, of: device).filter { $0.key.isNumber && wanted.contains($0.key.key) }
      let spans = try Self.spans(database, device, Set(known.map(\.id)), Range(from, to, points))
      let curves = known.compactMap { id, key in
        let points = spans.all.compactMap { span in
          span.sums.numbers[id].map {
            HistoryPoint(
              time: Date(wallMs: span.firstRead[id] ?? span.first), min: $0.min, mean: $0.mean, max: $0.max, count: $0.count)
          }
        }
        return points.isEmpty ? nil : HistoryCurve(key: key, points: points)
      }
      return spans.told(curves)
    }
  }

  /// What became of the polls in each of at most `points` spans of equal length. A span without a poll has no entry.
  package func outcomes(
    device: HistoryDevice.ID, from: Date, to: Date, points: Int
  ) throws(StoreError) -> HistorySpans<[HistoryOutcome]> {
    try read { database in
      let spans = try Self.spans(database, device, [], Range(from, to, points))
      var words = Words()
      let outcomes = try spans.all.map { span in
        var failed: [String: Int] = [:]
        for (word, count) in span.sums.failed { failed[try words.text(word, database) ?? "unknown", default: 0] += count }
        let (sums, connects) = (span.sums, span.sums.connects)
        return HistoryOutcome(
          time: Date(wallMs: span.first), good: sums.good, failed: failed,
          connectMsMean: connects.count > 0 ? Double(connects.sum) / Double(connects.count) : nil,
          pollMsMean: Double(sums.pollMsSum) / Double(max(1, sums.polls)), deadline: .milliseconds(sums.deadlineMs))
      }
      return spans.told(outcomes)
    }
  }

  /// Where a page of polls ended.
  package struct Mark: Equatable, Sendable {
    fileprivate var start: Int64
    fileprivate var id: Int64
  }

  /// A page of a device's polls as they were recorded, by time; a mark where there are more.
  ///
  /// - Parameter mark: where the page before ended.
  package func polls(
    device: HistoryDevice.ID, from: Date, to: Date, after mark: Mark? = nil
  ) throws(StoreError) -> (polls: [HistoryPoll], more: Mark?) {
    let range = Range(from, to, 1)
    return try read { database in
      let keys = Dictionary(try Self.keys(database, of: device).map { ($0.id, $0.key) }, uniquingKeysWith: { $1 })
      var words = Words()
      var polls: [HistoryPoll] = []
      var last: Mark?
      var count = 0
      let rows = try Row.fetchCursor(
        database, sql: Schema.chunk, arguments: [mark?.start ?? range.from - HistoryQuarter.lengthMs, range.to, device])
      while count < Self.maxRows, let row = try rows.next() {
        guard let id = row.whole(0), let start = row.whole(1) else { continue }
        if let mark, (start, id) <= (mark.start, mark.id) { continue }
        last = Mark(start: start, id: id)
        count += 1
        for (time, poll) in Self.polls(row) ?? [] where range.holds(time) {
          let its = poll.values.keys.compactMap { keys[$0] }
          polls.append(
            HistoryPoll(
              time: Date(wallMs: time), isTimeKnown: row.whole(2) == 1, failure: try words.failure(poll, database),
              connectMs: poll.connectMs, pollMs: poll.pollMs, deadline: .milliseconds(poll.deadlineMs),
              readings: try words.readings(poll, keys, database), derived: its.filter(\.isDerived).map(\.key).sorted(),
              rawSign: its.filter(\.isRawSign).map(\.key).sorted()))
        }
      }
      return (polls, count == Self.maxRows ? last : nil)
    }
  }

  // MARK: The file

  private func read<Answer: Sendable>(_ work: (Database) throws -> Answer) throws(StoreError) -> Answer {
    try Self.turn.mutex.withLock { _ throws(StoreError) in try readAlone(work) }
  }

  private func readAlone<Answer: Sendable>(_ work: (Database) throws -> Answer) throws(StoreError) -> Answer {
    let file = StoreFile(directory: directory, name: StoreFile.historyName)
    try file.inspect()
    guard access(file.path, R_OK) == 0 else {
      throw StoreError(errno == ENOENT || errno == ENOTDIR ? .absent : .unreadable, errno == ENOENT ? directory : file.path)
    }
    var configuration = Configuration()
    configuration.label = "blupow.history"
    configuration.readonly = true
    configuration.busyMode = .timeout(1)
    configuration.prepareDatabase { database in
      for pragma in Schema.caution { try database.execute(sql: "PRAGMA \(pragma)") }
    }
    do {
      let queue = try DatabaseQueue(path: file.path, configuration: configuration)
      defer { try? queue.close() }
      return try queue.read { database in
        try Schema.history.recognise(database, file)
        return try work(database)
      }
    } catch {
      let failure = StoreError(error, file.path)
      if case .other = failure.cause, access(directory, W_OK) != 0 { throw StoreError(.unreadable, file.path) }
      throw failure
    }
  }

  private static func keys(_ database: Database) throws -> [(device: Int64, id: Int64, key: HistoryKey)] {
    let rows = try Row.fetchAll(
      database,
      sql: """
        SELECT device_key.device, key.id, key.key, key.unit, key.number, key.derived, key.raw_sign
        FROM device_key JOIN key ON key.id = device_key.key ORDER BY key.key, key.id LIMIT 100000
        """)
    return rows.compactMap { row in
      guard let device = row.whole(0), let id = row.whole(1), let key = row.text(2), let unit = row.text(3) else { return nil }
      return (
        device, id,
        HistoryKey(
          key: key, unit: unit.isEmpty ? nil : unit, isNumber: row.whole(4) == 1, isDerived: row.whole(5) == 1,
          isRawSign: row.whole(6) == 1)
      )
    }
  }

  private static func keys(_ database: Database, of device: Int64) throws -> [(id: Int64, key: HistoryKey)] {
    try keys(database).filter { $0.device == device }.map { ($0.id, $0.key) }
  }

  /// A row's polls with their times; `nil`: it is not as it was written.
  private static func polls(_ row: Row, keys: Set<Int64>? = nil) -> [(time: Int64, HistoryChunk.Poll)]? {
    guard let start = row.whole(1), let blob = row.blob(4), let chunk = try? HistoryChunk(packed: blob, keys: keys) else {
      return nil
    }
    return chunk.polls.map { (start &+ $0.offset, $0) }
  }

  // MARK: Spans

  private struct Range {
    var from: Int64
    var to: Int64
    var points: Int64

    init(_ from: Date, _ to: Date, _ points: Int) {
      self.points = Int64(min(max(points, 1), maxPoints))
      self.from = from.wallMs
      self.to = max(to.wallMs, self.from)
    }

    func holds(_ time: Int64) -> Bool { time >= from && time < to }

    /// Of a span.
    func width(from: Int64) -> Int64 { max(1, (to - from + points - 1) / points) }
  }

  private struct Span {
    var first: Int64
    /// The first that read it, by key.
    var firstRead: [Int64: Int64] = [:]
    var sums = HistoryQuarter()
  }

  /// How far apart polls are.
  private struct Pace {
    /// More say nothing else.
    private static let most = 20_000

    private var last: Int64?
    private var steps: [Int64] = []

    /// - Parameter polls: how many there were in the quarter of an hour that begins then.
    mutating func add(_ time: Int64, of polls: Int = 1) {
      if polls > 1 {
        note(HistoryQuarter.lengthMs / Int64(polls))
      } else if let last {
        note(time &- last)
      }
      last = time
    }

    private mutating func note(_ step: Int64) {
      // What an altered row says may be of any size.
      if steps.count < Self.most, step > 0 { steps.append(min(step, 1 << 53)) }
    }

    /// Two and a half times what is the rule. `nil`: there are too few.
    var gap: Int64? { steps.isEmpty ? nil : steps.sorted()[steps.count / 2] / 2 * 5 }
  }

  private struct Spans {
    var width: Int64
    var from: Int64
    var gap: Int64?
    var byNumber: [Int64: Span] = [:]

    func told<Content>(_ content: Content) -> HistorySpans<Content> {
      HistorySpans(content: content, from: Date(wallMs: from), width: .milliseconds(width), gap: .milliseconds(gap ?? width))
    }

    var all: [Span] { byNumber.sorted { $0.key < $1.key }.map(\.value) }

    mutating func add(_ sums: HistoryQuarter, at time: Int64) {
      let number = (time - from) / width
      var span = byNumber[number] ?? Span(first: time)
      span.first = min(span.first, time)
      for key in sums.numbers.keys { span.firstRead[key] = min(span.firstRead[key] ?? time, time) }
      span.sums.add(sums)
      byNumber[number] = span
    }
  }

  /// Of the polls themselves, or of their quarters where a span is as long as one, or where only those are left.
  private static func spans(_ database: Database, _ device: Int64, _ keys: Set<Int64>, _ range: Range) throws -> Spans {
    let width = range.width(from: range.from)
    let quarter = HistoryQuarter.lengthMs
    if width < quarter, try !lacksPolls(database, device, range) { return try polled(database, device, keys, range, width) }
    let from = HistoryQuarter.begin(of: range.from)
    let wide = (range.width(from: from) + quarter - 1) / quarter * quarter
    var spans = Spans(width: wide, from: from)
    var pace = Pace()
    let rows = try Row.fetchCursor(database, sql: Schema.quarter, arguments: [device, from, range.to])
    while let row = try rows.next() {
      guard let start = row.whole(0), let blob = row.blob(1) else { continue }
      guard let sums = try? HistoryQuarter(packed: blob, keys: keys) else { continue }
      pace.add(start, of: sums.polls)
      spans.add(sums, at: start)
    }
    spans.gap = pace.gap
    // The quarter that is not over is not among them.
    let open = try Row.fetchCursor(
      database,
      sql: """
        SELECT id, start, trusted, open, polls FROM chunk
        WHERE id > (SELECT max(id) FROM chunk) - ? AND open = 1 AND device = ? AND start >= ? AND start < ? ORDER BY id
        """, arguments: [HistoryFile.maxLeftOpen, device, from, range.to])
    while let row = try open.next() {
      guard let start = row.whole(1), let polls = Self.polls(row, keys: keys) else { continue }
      spans.add(HistoryQuarter(of: polls.map(\.1)), at: HistoryQuarter.begin(of: start))
    }
    return spans
  }

  /// Whether the range begins with quarters whose polls had to make room.
  private static func lacksPolls(_ database: Database, _ device: Int64, _ range: Range) throws -> Bool {
    let quarters = try Row.fetchOne(
      database, sql: "SELECT min(start) FROM quarter WHERE device = ? AND start >= ? AND start < ?",
      arguments: [device, range.from, range.to])
    guard let first = quarters?.whole(0) else { return false }
    let row = try Row.fetchOne(
      database, sql: "SELECT 1 FROM chunk INDEXED BY chunk_start WHERE start >= ? AND start < ? AND device = ? LIMIT 1",
      arguments: [first, first + HistoryQuarter.lengthMs, device])
    return row == nil
  }

  private static func polled(
    _ database: Database, _ device: Int64, _ keys: Set<Int64>, _ range: Range, _ width: Int64
  ) throws -> Spans {
    var spans = Spans(width: width, from: range.from)
    var pace = Pace()
    let rows = try Row.fetchCursor(
      database, sql: Schema.chunk, arguments: [range.from - HistoryQuarter.lengthMs, range.to, device])
    while let row = try rows.next() {
      guard let polls = Self.polls(row, keys: keys) else { continue }
      for (time, poll) in polls {
        pace.add(time)
        if range.holds(time) { spans.add(HistoryQuarter(of: [poll]), at: time) }
      }
    }
    spans.gap = pace.gap
    return spans
  }
}

/// The words of a file that were needed so far, by their numbers.
private struct Words {
  private var known: [Int64: String] = [:]

  mutating func text(_ number: Int64, _ database: Database) throws -> String? {
    if let word = known[number] { return word }
    let word = try Row.fetchOne(database, sql: "SELECT word FROM word WHERE id = ?", arguments: [number])?.text(0)
    known[number] = word
    return word
  }

  mutating func failure(_ poll: HistoryChunk.Poll, _ database: Database) throws -> HistoryFailure? {
    guard poll.failure != 0 else { return nil }
    return HistoryFailure(
      name: try text(poll.failure, database) ?? "unknown", stage: try text(poll.stage, database) ?? "unknown")
  }

  mutating func readings(
    _ poll: HistoryChunk.Poll, _ keys: [Int64: HistoryKey], _ database: Database
  ) throws -> [String: Reading] {
    var readings: [String: Reading] = [:]
    for (id, value) in poll.values {
      guard let key = keys[id] else { continue }
      switch value {
      case .number(let number): readings[key.key] = Reading(.number(number), unit: key.unit)
      case .word(let word): readings[key.key] = try text(word, database).map { Reading(.text($0), unit: key.unit) }
      }
    }
    return readings
  }
}

extension Date {
  init(wallMs: Int64) { self.init(timeIntervalSince1970: Double(wallMs) / 1000) }

  /// Milliseconds since 1970, as far as a clock goes.
  var wallMs: Int64 {
    let seconds = timeIntervalSince1970
    return seconds.isNaN ? 0 : Int64((Swift.min(Swift.max(seconds, -1e11), 1e11) * 1000).rounded())
  }
}
