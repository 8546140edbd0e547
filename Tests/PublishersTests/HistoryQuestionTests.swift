import Foundation
import Testing

@testable import Publishers

struct HistoryQuestionTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)

  @Test func `a question of curves`() throws {
    let query = ["device": "Roof & co", "keys": "battery_voltage,cell_voltage_1", "since": "30d", "points": "240"]
    let question = try HistoryQuestion(query, hasKeys: true, now: Self.now)
    #expect(question.device == "Roof & co")
    #expect(question.keys == ["battery_voltage", "cell_voltage_1"])
    #expect(question.from == Date(timeIntervalSince1970: 1_800_000_000 - 30 * 86_400))
    #expect(question.to == Self.now)
    #expect(question.points == 240)
  }

  @Test func `what is not said is a day in four hundred points`() throws {
    let question = try HistoryQuestion(["device": "Roof"], hasKeys: false, now: Self.now)
    #expect(question.keys == [])
    #expect(question.to.timeIntervalSince(question.from) == 86_400)
    #expect(question.points == 400)
  }

  private static func many(_ count: Int) -> String { (1...count).map { "k\($0)" }.joined(separator: ",") }

  private static let mistakes: [([String: String], String)] = [
    (["keys": "a"], "`device` is a device's name, of 1 to 1000 bytes."),
    (["device": "", "keys": "a"], "`device` is a device's name, of 1 to 1000 bytes."),
    (["device": String(repeating: "x", count: 1001), "keys": "a"], "`device` is a device's name, of 1 to 1000 bytes."),
    (["device": "Roof"], "`keys` is 1 to 64 keys of readings with commas between them, each once."),
    (["device": "Roof", "keys": "a,,b"], "`keys` is 1 to 64 keys of readings with commas between them, each once."),
    (["device": "Roof", "keys": "a,a"], "`keys` is 1 to 64 keys of readings with commas between them, each once."),
    (["device": "Roof", "keys": "A"], "`keys` is 1 to 64 keys of readings with commas between them, each once."),
    (["device": "Roof", "keys": "a'--"], "`keys` is 1 to 64 keys of readings with commas between them, each once."),
    (
      ["device": "Roof", "keys": many(65), "points": "1"],
      "`keys` is 1 to 64 keys of readings with commas between them, each once."
    ),
    (["device": "Roof", "keys": "a", "since": "yesterday"], "`since` is a time like 24h or 30d, from 1m to 3650d."),
    (["device": "Roof", "keys": "a", "since": "59s"], "`since` is a time like 24h or 30d, from 1m to 3650d."),
    (["device": "Roof", "keys": "a", "since": "-24h"], "`since` is a time like 24h or 30d, from 1m to 3650d."),
    (["device": "Roof", "keys": "a", "points": "0"], "`points` is a number from 1 to 2000."),
    (["device": "Roof", "keys": "a", "points": "2001"], "`points` is a number from 1 to 2000."),
    (["device": "Roof", "keys": "a", "points": "1e3"], "`points` is a number from 1 to 2000."),
    (
      ["device": "Roof", "keys": many(13), "points": "2000"],
      "13 keys with 2000 points are more than 24000 in all: ask for fewer, or in turn."
    ),
    (["device": "Roof", "keys": "a", "until": "now"], "`until` says nothing here; there are device, since, points, keys."),
  ]

  @Test(arguments: mistakes)
  func `a mistake is a sentence`(query: [String: String], sentence: String) {
    #expect(throws: HistoryQuestion.Mistake(sentence: sentence)) { try HistoryQuestion(query, hasKeys: true, now: Self.now) }
  }

  @Test func `polls have no keys`() {
    #expect(throws: HistoryQuestion.Mistake(sentence: "`keys` says nothing here; there are device, since, points.")) {
      try HistoryQuestion(["device": "Roof", "keys": "a"], hasKeys: false, now: Self.now)
    }
  }
}
