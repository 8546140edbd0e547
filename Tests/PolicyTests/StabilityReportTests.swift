import FoundationEssentials
import Policy
import Readings
import Testing

@Suite struct StabilityReportTests {
  /// Runs by their connect times; `nil`: it was not seen.
  private func report(
    _ times: [Int64?], leaks: StabilityReport.Leaks = .init(processes: 0, descriptors: 0, links: 0), isComplete: Bool = true
  ) throws -> StabilityReport {
    let runs = times.enumerated().map { index, time in
      StabilityRun(
        index + 1, failure: time == nil ? FailureReport(.notSeen, at: .scan, "It was not seen.") : nil, connectMs: time,
        pollMs: time.map { $0 + 3000 } ?? 8000)
    }
    return StabilityReport(
      name: "Inverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter", poller: .command, runs: runs,
      leaks: leaks, isComplete: isComplete)
  }

  private func rate(_ successes: Int, of count: Int) throws -> StabilityReport {
    try report((1...count).map { $0 <= successes ? 400 : nil })
  }

  @Test(arguments: [
    (100, StabilityReport.Verdict.excellent, true), (90, .excellent, true), (89, .good, true), (80, .good, true),
    (79, .fair, false), (50, .fair, false), (49, .poor, false), (0, .poor, false),
  ])
  func `the verdict is the success rate's, and good is the pass mark`(
    successes: Int, verdict: StabilityReport.Verdict, isPassed: Bool
  ) throws {
    let report = try rate(successes, of: 100)
    #expect(report.verdict == verdict)
    #expect(report.isPassed == isPassed, "\(report.faults)")
  }

  @Test func `connect and poll times are of successful polls`() throws {
    let report = try report([400, nil, 600, 500, 700])
    #expect(report.successRate == 0.8 && report.failures == [.notSeen: 1])
    #expect(report.connect?.mean == 550 && report.poll?.mean == 3550)
  }

  @Test(arguments: [(14_999, true), (15_000, false)] as [(Int64, Bool)])
  func `fifteen seconds to connect are too long on average`(time: Int64, isPassed: Bool) throws {
    let report = try report(Array(repeating: time, count: 10))
    #expect(report.isPassed == isPassed, "\(report.faults)")
  }

  @Test(
    arguments: [
      // Significant, but a fifth of a second; and a second, but an eighth of what it takes anyway.
      ([400, 420, 440, 460, 480, 500, 520, 540, 560, 580], false),
      ([8000, 8110, 8220, 8330, 8440, 8550, 8660, 8770, 8880, 8990], false),
      // A second more than four; the predecessor's end.
      ([4000, 4150, 4300, 4450, 4600, 4750, 4900, 5050, 5200, 5350], true), ([8000, 11_000, 18_000, 20_000], true),
      // As much more, in no order.
      ([5350, 4000, 5200, 4150, 5050, 4300, 4900, 4450, 4750, 4600], false),
    ] as [([Int64], Bool)])
  func `connect times that rise fail where it is more than chance, and more than little`(times: [Int64], isRising: Bool) throws {
    let report = try report(times)
    #expect(report.isRising == isRising)
    #expect(report.isPassed != isRising)
    #expect(report.faults.contains { $0.hasPrefix("Connecting took longer and longer") } == isRising, "\(report.faults)")
  }

  @Test(arguments: [
    StabilityReport.Leaks(processes: 1, descriptors: 0, links: 0), .init(processes: 0, descriptors: 1, links: 0),
    .init(processes: 0, descriptors: 0, links: 1),
  ])
  func `one thing left behind fails`(leaks: StabilityReport.Leaks) throws {
    #expect(try report([400, 400, 400, 400], leaks: leaks).faults.count == 1)
  }

  @Test func `what nobody knows of what was left does not fail`() throws {
    #expect(try report([400, 400], leaks: .init()).isPassed)
  }

  @Test func `one that was ended early has not passed, with or without a poll`() throws {
    #expect(try report([400, 410], isComplete: false).faults == ["It was not run to its end."])
    let none = try report([], isComplete: false)
    #expect(!none.isPassed && none.verdict == nil && none.successRate == nil)
  }

  @Test func `successes that never said how long connecting took do not pass`() throws {
    var report = try report([400, 400])
    for index in report.runs.indices { report.runs[index].connectMs = nil }
    #expect(report.faults == ["No poll said how long connecting took."])
  }

  // MARK: JSON

  /// `protocol/examples/stability.jsonl` is held against the schema by `Tests/validate.py`.
  @Test func `its JSON is the protocol's example`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../protocol/examples/stability.jsonl")
    let example = String(decoding: try Data(contentsOf: file), as: UTF8.self)
    var whole = try report([412, 398, nil, 405, 421, 400, 399, 430, 411, 402])
    whole.runs[2].failure = FailureReport(.notSeen, at: .scan, "D8:B6:73:BF:4F:75 was not seen for 8.0 s.")
    var begun = try report([7000, nil], leaks: .init(), isComplete: false)
    begun.poller = .service
    begun.name = "Battery"
    let document = StabilityDocument(
      gateway: "cabin", runs: 10, pause: .seconds(2), devices: [whole, begun], isComplete: false)
    let text = String(decoding: try Wire.line(document), as: UTF8.self)
    #expect(text == example, "\(text)")
  }
}
