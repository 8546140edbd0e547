import Foundation
import Readings
import Testing

@testable import Publishers

/// `protocol/examples` are held against the schemas by `Tests/validate.py`.
@Suite struct HistoryDocumentTests {
  private static let now = Date(timeIntervalSince1970: 1_784_000_000)

  private func example(_ name: String) throws -> String {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../protocol/examples/\(name).jsonl")
    return String(decoding: try Data(contentsOf: file), as: UTF8.self)
  }

  private func line(_ document: HistoryDocument) throws -> String { String(decoding: try Wire.line(document), as: UTF8.self) }

  @Test func `curves are the protocol's example`() throws {
    let question = try HistoryQuestion(
      ["device": "Shunt", "keys": "battery_current,battery_power", "since": "1h", "points": "2"], hasKeys: true, now: Self.now)
    func point(_ ago: Double, _ min: Double, _ mean: Double, _ max: Double) -> HistoryDocument.Curve.Point {
      .init(at: Self.now - ago, min: min, mean: mean, max: max, count: 60)
    }
    let text = try line(
      HistoryDocument(
        question, isSimulated: false, width: .seconds(1800), gap: .seconds(3600),
        .curves([
          .init(key: "battery_current", unit: "A", isRawSign: true, points: [point(3599.75, -2.5, -2, -1)]),
          .init(key: "battery_current", unit: "A", points: [point(1787.75, 1.5, 2, 2.25)]),
          .init(
            key: "battery_power", unit: "W", isDerived: true,
            points: [point(3599.75, -33.25, -26.5, -13), point(1787.75, 20, 26.5, 29.5)]),
        ])))
    #expect(try text == example("curves"), "\(text)")
  }

  @Test func `what became of polls is the protocol's example`() throws {
    let question = try HistoryQuestion(["device": "Roof", "since": "1h", "points": "2"], hasKeys: false, now: Self.now)
    let text = try line(
      HistoryDocument(
        question, isSimulated: true, width: .seconds(1800), gap: .seconds(3600),
        .polls([
          .init(
            at: Self.now - 3587.75, good: 59, failed: ["not_seen": 1], connectMsMean: 412.34, pollMsMean: 1290.06,
            deadline: .seconds(25)),
          .init(
            at: Self.now - 1787.75, good: 0, failed: ["not_seen": 9, "silent": 1], connectMsMean: nil, pollMsMean: 21_000,
            deadline: .milliseconds(37_500)),
        ])))
    #expect(try text == example("polls"), "\(text)")
  }
}
