import Foundation
import Readings
import Rig
import Testing

@testable import Store

@Suite struct HistoryReaderTests {
  private let desk = HistoryDesk()
  private func at(_ second: Int) -> Date { Date(wallMs: HistoryDesk.epoch + Int64(second) * 1000) }

  /// Polls every 30 s, saved every 5 minutes; the number is the poll's, failures where `fails` says so.
  private func book(
    _ folder: Folder, from: Int = 0, to: Int, fails: (Int) -> Bool = { _ in false }
  ) throws -> HistoryBook {
    var book = try HistoryBook(folder)
    for save in stride(from: from, to: to, by: 300) {
      let entries = stride(from: save, to: min(save + 300, to), by: 30).map { second in
        fails(second)
          ? desk.failed(second)
          : desk.read(
            second, "Inverter",
            [
              "number": Reading(.number(Double(second / 30))), "word": Reading(.text("mppt")),
              "same": Reading(.number(52.4), unit: "V"),
            ])
      }
      try book.save(entries, desk.clock(min(save + 300, to)))
    }
    return book
  }

  @Test func `a short range is of the polls themselves, at most so many points`() throws {
    let folder = try Folder()
    let book = try book(folder, to: 6000)
    let device = try #require(try folder.history.devices().first?.id)
    let few = try folder.history.series(
      device: device, keys: ["number", "word", "none"], from: at(600), to: at(1200), points: 2000)
    #expect(few.content.map(\.key.key) == ["number"])
    let points = few.content[0].points
    #expect(points.map(\.mean) == (20..<40).map(Double.init) && points.allSatisfy { $0.count == 1 && $0.min == $0.max })
    #expect(points.map(\.time) == (20..<40).map { at($0 * 30) })
    #expect(few.width == .milliseconds(300) && few.gap == .seconds(75))
    let all = try folder.history.series(device: device, keys: ["number", "same"], from: at(0), to: at(6000), points: 10)
    #expect(all.width == .seconds(600) && all.content.map(\.points.count) == [10, 10])
    #expect(all.content[0].points[3] == HistoryPoint(time: at(1800), min: 60, mean: 69.5, max: 79, count: 20))
    // The mean of what is the same is the same.
    #expect(all.content[1].points.allSatisfy { $0.mean == 52.4 })
    book.close()
  }

  @Test func `a point is of the first reading of its own key, not of the span's first poll`() throws {
    let folder = try Folder()
    let desk = HistoryDesk()
    var book = try HistoryBook(folder)
    let volts = ["battery_voltage": Reading(.number(13), unit: "V")]
    try book.save(
      [
        desk.read(0, "Inverter", volts), desk.read(60, "Inverter", volts.merging(["cycles": Reading(.number(61))]) { $1 }),
        desk.read(1800, "Inverter", volts), desk.read(2700, "Inverter", ["cycles": Reading(.number(62))]),
      ], desk.clock(2800))
    book.close()
    let device = try #require(try folder.history.devices().first?.id)
    func times(_ points: Int) throws -> [[Date]] {
      try folder.history.series(
        device: device, keys: ["battery_voltage", "cycles"], from: at(0), to: at(3600), points: points
      ).content.map { $0.points.map(\.time) }
    }
    #expect(try times(12) == [[at(0), at(1800)], [at(60), at(2700)]], "of the polls")
    #expect(try times(2) == [[at(0), at(1800)], [at(0), at(2700)]], "of quarters")
  }

  @Test func `an answer of quarters says where it begins, and counts what has come since`() throws {
    let folder = try Folder()
    let book = try book(folder, to: 7200)
    let device = try #require(try folder.history.devices().first?.id)
    for (points, from) in [(1, 900), (2, 900), (4, 900), (100, 1000)] {
      let outcomes = try folder.history.outcomes(device: device, from: at(1000), to: at(7200), points: points)
      #expect(outcomes.from == at(from), "\(points)")
      #expect(outcomes.content.reduce(0) { $0 + $1.good } == (0..<240).filter { $0 * 30 >= from }.count, "\(points)")
    }
    book.close()
  }

  @Test func `beside its writer one descriptor serves all who read`() async throws {
    let folder = try Folder()
    let book = try book(folder, to: 3600)
    let reader = folder.history
    let before = try folder.opened("history.sqlite")
    for _ in 0..<3 {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 { group.addTask { await onOwnThread { _ = try? reader.devices() } } }
      }
      #expect(try folder.opened("history.sqlite") == before + 1)
    }
    book.close()
    #expect(try folder.opened("history.sqlite") == 0)
  }

  @Test func `what is no file is not waited for, nor followed`() throws {
    for what in ["a pipe", "a directory", "a symbolic link"] {
      let folder = try Folder()
      let path = "\(folder.path)/history.sqlite"
      switch what {
      case "a pipe": #expect(mkfifo(path, 0o600) == 0)
      case "a directory": #expect(mkdir(path, 0o700) == 0)
      default: #expect(symlink("/etc/passwd", path) == 0)
      }
      // Who waits for the pipe's other end would do so for ever: then it is given one.
      let rescue = Task {
        try await Task.sleep(for: .seconds(20))
        Issue.record("\(what) was waited for")
        _ = open(path, O_RDWR)
      }
      defer { rescue.cancel() }
      let error = #expect(throws: StoreError.self) { try folder.history.devices() }
      #expect(error?.message == "\(path) is \(what), not a file.")
    }
  }

  @Test func `a long range is of quarters and of the one that is not over, and counts each poll once`() throws {
    let folder = try Folder()
    let book = try book(folder, to: 86_400 - 600) { $0 % 3000 == 0 }
    let device = try #require(try folder.history.devices().first?.id)
    for points in [1, 10, 96, 200, 2000] {
      let curve = try folder.history.series(device: device, keys: ["number"], from: at(0), to: at(86_400), points: points)
      let outcomes = try folder.history.outcomes(device: device, from: at(0), to: at(86_400), points: points)
      #expect(curve.content[0].points.reduce(0) { $0 + $1.count } == 2860 - 29, "\(points)")
      #expect(outcomes.content.reduce(0) { $0 + $1.good } == 2860 - 29, "\(points)")
      #expect(outcomes.content.reduce(0) { $0 + ($1.failed["silent"] ?? 0) } == 29, "\(points)")
      #expect(curve.content[0].points.count <= points && outcomes.content.count <= points)
      #expect(curve.content[0].points.map(\.max).max() == 2859)
      // In a short span every poll may have failed.
      #expect(outcomes.content.allSatisfy { $0.connectMsMean == ($0.good > 0 ? 900 : nil) && $0.pollMsMean == 4000 })
      #expect(outcomes.content.map(\.deadline).max() == .seconds(40))
    }
    book.close()
  }

  @Test(arguments: [30, 2000]) func `a span without polls has no point, and nothing is put in its place`(points: Int) throws {
    let folder = try Folder()
    try book(folder, to: 7200).close()
    try book(folder, from: 21_600, to: 28_800).close()
    let device = try #require(try folder.history.devices().first?.id)
    let curve = try folder.history.series(device: device, keys: ["number"], from: at(0), to: at(28_800), points: points)
    let times = curve.content[0].points.map(\.time)
    #expect(!times.contains { $0 >= at(7200) && $0 < at(21_600) })
    #expect(gaps(curve, times) == [at(21_600)])
  }

  /// What no line leads to from the one before.
  private func gaps<Content>(_ spans: HistorySpans<Content>, _ times: [Date]) -> [Date] {
    zip(times, times.dropFirst()).filter { !spans.joins($0, $1) }.map(\.1)
  }

  @Test(arguments: [(144, 600), (24, 3600)])
  func `one span without a reading is a gap, in polls and in quarters of an hour`(points: Int, width: Int) throws {
    let folder = try Folder()
    // Before the second one the latter half of a span is silent, too: its neighbours' readings are farther apart than two spans.
    let silent = [36_000..<36_000 + width, 57_600..<57_600 + width]
    try book(folder, to: 86_400) { second in
      silent.contains { $0.contains(second) } || (57_600 - width / 2..<57_600).contains(second)
    }.close()
    let device = try #require(try folder.history.devices().first?.id)
    let curve = try folder.history.series(device: device, keys: ["number"], from: at(0), to: at(86_400), points: points)
    #expect(curve.width == .seconds(width))
    #expect(gaps(curve, curve.content[0].points.map(\.time)) == silent.map { at($0.upperBound) })
    // Polls that failed are polls.
    let outcomes = try folder.history.outcomes(device: device, from: at(0), to: at(86_400), points: points)
    #expect(outcomes.content.count == points && gaps(outcomes, outcomes.content.map(\.time)) == [])
  }

  @Test(arguments: [720, 96]) func `polls that are rarer than spans are joined, but not over those that are missing`(points: Int)
    throws
  {
    let folder = try Folder()
    var book = try HistoryBook(folder)
    for second in stride(from: 0, to: 86_400, by: 1800) where second < 36_000 || second > 40_000 {
      try book.save([desk.read(second)], desk.clock(second + 1))
    }
    book.close()
    let device = try #require(try folder.history.devices().first?.id)
    let spans = try folder.history.outcomes(device: device, from: at(0), to: at(86_400), points: points)
    #expect(spans.content.count == 45 && gaps(spans, spans.content.map(\.time)) == [at(41_400)])
  }

  @Test func `a row that says any time at all is no crash`() throws {
    let folder = try Folder()
    try book(folder, to: 60).close()
    let device = try #require(try folder.history.devices().first?.id)
    let polls = [0, Int64.max - 1].map { HistoryChunk.Poll(offset: $0, pollMs: 1, deadlineMs: 1) }
    let hex = HistoryChunk(polls: polls).packed.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    // Of the differences between polls its own is now the middle one.
    try folder.sql(
      """
      DELETE FROM chunk;
      INSERT INTO chunk (id, start, device, trusted, open, polls) VALUES (9, \(HistoryDesk.epoch), \(device), 1, 0, x'\(hex)')
      """, in: "history.sqlite")
    let outcomes = try folder.history.outcomes(device: device, from: at(0), to: at(60), points: 10)
    #expect(outcomes.content.count == 1 && outcomes.gap > .zero)
  }

  @Test func `what a writer has saved is read while it goes on, in pages`() throws {
    let folder = try Folder()
    let book = try book(folder, to: 86_400 + 300)
    #expect(try folder.polls().map(\.time) == (0..<2890).map { at($0 * 30) })
    book.close()
    #expect(try folder.polls().count == 2890)
    let device = try #require(try folder.history.devices().first?.id)
    let page = try folder.history.polls(device: device, from: at(890), to: at(950))
    #expect(page.polls.map(\.time) == [at(900), at(930)] && page.more == nil)
  }

  @Test func `ranges that make no sense have no answer, and are no crash`() throws {
    let folder = try Folder()
    try book(folder, to: 600).close()
    let device = try #require(try folder.history.devices().first?.id)
    for (from, to) in [
      (at(600), at(0)), (.distantFuture, .distantPast), (at(0), at(0)), (at(0), Date(timeIntervalSince1970: .nan)),
    ] {
      #expect(try folder.history.series(device: device, keys: ["number"], from: from, to: to, points: 0).content == [])
      #expect(try folder.history.outcomes(device: device, from: from, to: to, points: -5).content == [])
      #expect(try folder.history.polls(device: device, from: from, to: to).polls == [])
    }
    #expect(try folder.history.series(device: 77, keys: ["number"], from: at(0), to: at(600), points: 10).content == [])
  }

  @Test func `where there is no history it says so`() throws {
    let folder = try Folder()
    let error = #expect(throws: StoreError.self) { try folder.history.devices() }
    #expect(
      error?.description
        == "There is no history in \(folder.path) yet. A service (`blupow run`) writes it, with the first minute of polls; state_dir says where."
    )
    #expect(try folder.names == [])
  }

  @Test(.enabled(if: Disk.isToBeHad, "needs to mount a small tmpfs")) func `a directory that cannot be written says so`() throws {
    let disk = try Disk(kibibytes: 2048)
    let file = try HistoryFile.open(directory: disk.path).file
    file.close()
    try disk.makeReadOnly()
    let error = #expect(throws: StoreError.self) { try HistoryReader(directory: disk.path).devices() }
    #expect(error?.cause == .unreadable || error?.cause == .readOnly)
  }
}
