import Foundation
import HTTPTypes
import NIOCore
import Policy
import Readings
import Rig
import Testing

@testable import Publishers
@testable import Store
@testable import blupow

/// What is answered of a history that is really there.
@Suite struct HistoryRoutesStoreTests {
  private typealias Fields = [String: Any]

  /// A history in a directory of its own.
  private final class Book: Sendable {
    let directory = FileManager.default.temporaryDirectory.appending(path: "routes-\(UUID().uuidString)").path()

    /// Polls of a device, half a minute apart, up to now.
    func write(_ entries: [HistoryEntry]) throws {
      let (file, _) = try HistoryFile.open(directory: directory)
      defer { file.close() }
      var tail = HistoryTail()
      tail.begin(at: file.nextID)
      tail.take(
        entries, HistoryClock(instant: .now, wallMs: Int64(Date.now.timeIntervalSince1970 * 1000), isSynchronised: true))
      try file.save(tail.rows)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }
  }

  private func entry(
    _ name: String, at address: String, ago: Int, _ readings: [String: Reading] = [:], derived: Set<String> = [],
    rawSign: Set<String> = [], isSimulated: Bool = false, failure: HistoryFailure? = nil
  ) -> HistoryEntry {
    HistoryEntry(
      device: .init(name: name, address: address, unit: nil, isSimulated: isSimulated), at: .now - .seconds(ago),
      failure: failure, connectMs: failure == nil ? 400 : nil, pollMs: 1000, deadline: .seconds(25), readings: readings,
      derived: derived, rawSign: rawSign)
  }

  private func configured(_ name: String, at address: String, isSimulated: Bool = false) throws -> DeviceStatus {
    DeviceStatus(
      name: name, address: try #require(Address(address)), profile: "inverter", model: nil, status: .disconnected,
      available: false, testMode: isSimulated, age: nil, readAt: nil, readings: [:], failure: nil, successRate: nil,
      availability: nil, connectMs: nil, connectMsMean: nil, pollMs: nil, consecutiveFailures: 0, deadline: .seconds(25),
      rssi: nil, link: nil)
  }

  /// What a path answers; a good answer is kept for the schemas.
  private func ask(
    _ reader: HistoryReader?, _ fleet: [DeviceStatus], _ path: String, _ query: [String: String]
  ) async throws -> (status: Int, document: Fields) {
    let route = try #require(HistoryRoutes(reader, fleet: { fleet }).byPath[path])
    let answer = await route(query, ClientPlace(address: "a host"))
    guard case .whole(let body) = answer.body else { return (answer.status.code, [:]) }
    let text = String(buffer: body)
    if answer.status == .ok {
      WireRecord.keep([text.trimmingCharacters(in: .newlines)], path == "/api/polls" ? "routes.polls" : "routes.curves")
    }
    let document = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return (answer.status.code, try #require(document as? Fields))
  }

  private let one = "D8:B6:73:BF:4F:75"
  private let other = "D8:B6:73:BF:4F:76"

  @Test func `curves say what they are: measured, computed, or with the register's own sign`() async throws {
    let book = Book()
    let readings = ["battery_current": Reading(.number(-2), unit: "A"), "battery_power": Reading(.number(-26), unit: "W")]
    try book.write([
      entry("Shunt", at: one, ago: 60, readings, derived: ["battery_power"], rawSign: ["battery_current"]),
      entry("Shunt", at: one, ago: 30, readings, derived: ["battery_power"]),
    ])
    let (status, document) = try await ask(
      HistoryReader(directory: book.directory), [try configured("Shunt", at: one)], "/api/history",
      ["device": "Shunt", "keys": "battery_current,battery_power", "since": "1h", "points": "10"])
    #expect(status == 200)
    let curves = try #require(document["curves"] as? [Fields])
    #expect(curves.map { $0["key"] as? String } == ["battery_current", "battery_current", "battery_power"])
    #expect(curves.map { $0["derived"] as? Bool } == [false, false, true])
    #expect(curves.map { $0["raw_sign"] as? Bool } == [true, false, false])
    #expect(curves.map { ($0["points"] as? [Fields])?.compactMap { $0["count"] as? Int }.reduce(0, +) } == [1, 1, 2])
  }

  @Test func `a name is its device's that is configured, whoever had it before`() async throws {
    let book = Book()
    let volts = { ["battery_voltage": Reading(.number($0), unit: "V")] }
    try book.write([
      entry("Roof", at: other, ago: 90, volts(12)), entry("Roof", at: one, ago: 60, volts(1), isSimulated: true),
      entry("Roof", at: one, ago: 30, volts(13)),
    ])
    func voltage(_ fleet: [DeviceStatus]) async throws -> (Double?, Bool?) {
      let (_, document) = try await ask(
        HistoryReader(directory: book.directory), fleet, "/api/history",
        ["device": "Roof", "keys": "battery_voltage", "points": "1"])
      let points = (document["curves"] as? [Fields])?.first?["points"] as? [Fields]
      return (points?.first?["mean"] as? Double, document["test_mode"] as? Bool)
    }
    #expect(try await voltage([configured("Roof", at: one)]) == (13, false))
    #expect(try await voltage([configured("Roof", at: other)]) == (12, false))
    #expect(try await voltage([configured("Roof", at: one, isSimulated: true)]) == (1, true))
  }

  @Test func `what became of polls is told by class`() async throws {
    let book = Book()
    try book.write([
      entry("Roof", at: one, ago: 90), entry("Roof", at: one, ago: 60, failure: .init(name: "not_seen", stage: "scan")),
      entry("Roof", at: one, ago: 30, failure: .init(name: "not_seen", stage: "scan")),
    ])
    let (status, document) = try await ask(
      HistoryReader(directory: book.directory), [], "/api/polls", ["device": "Roof", "points": "1"])
    let span = try #require((document["polls"] as? [Fields])?.first)
    #expect(status == 200 && span["good"] as? Int == 1 && span["failed"] as? [String: Int] == ["not_seen": 2])
    #expect(span["connect_ms_mean"] as? Double == 400 && span["poll_ms_mean"] as? Double == 1000)
  }

  @Test(arguments: ["/api/history", "/api/polls"])
  func `of a configured device without a past it is empty, of any other name there is none`(path: String) async throws {
    let book = Book()
    let keys = path == "/api/history" ? ["keys": "battery_voltage"] : [:]
    func ask(_ device: String) async throws -> (status: Int, document: Fields) {
      try await self.ask(
        HistoryReader(directory: book.directory), [try configured("New", at: one)], path,
        keys.merging(["device": device]) { $1 })
    }
    let list = path == "/api/history" ? "curves" : "polls"
    // Neither a file yet, nor one without it.
    for isWritten in [false, true] {
      if isWritten { try book.write([entry("Roof", at: other, ago: 30)]) }
      let new = try await ask("New")
      #expect(new.status == 200 && (new.document[list] as? [Fields])?.isEmpty == true)
      let toaster = try await ask("Toaster")
      #expect(toaster.status == 404)
      #expect((toaster.document["error"] as? String)?.hasSuffix(isWritten ? "there is of: Roof." : "none yet.") == true)
    }
    #expect(try await ask("Roof").status == 200, "a device of the past")
  }

  @Test func `one that cannot be read, or is not kept, is said without saying where`() async throws {
    let book = Book()
    try book.write([entry("Roof", at: one, ago: 30)])
    try Data("no database".utf8).write(to: URL(filePath: "\(book.directory)/history.sqlite"))
    let query = ["device": "Roof", "keys": "battery_voltage"]
    let broken = try await ask(HistoryReader(directory: book.directory), [], "/api/history", query)
    #expect(broken.status == 503)
    #expect(broken.document["error"] as? String == "The history cannot be read for now; `blupow doctor` says why.")
    let none = try await ask(nil, [], "/api/history", query)
    #expect(none.status == 503)
    #expect(none.document["error"] as? String == "No history is kept: nothing says where (state_dir).")
  }
}
