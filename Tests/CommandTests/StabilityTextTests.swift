import Policy
import Readings
import Testing

@testable import blupow

@Suite struct StabilityTextTests {
  private func report(
    _ runs: [StabilityRun], leaks: StabilityReport.Leaks = .init(processes: 0, descriptors: 0, links: 0),
    name: String = "Inverter"
  ) throws -> StabilityReport {
    StabilityReport(
      name: name, address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter", poller: .service, runs: runs,
      leaks: leaks, isComplete: true)
  }

  private func document(_ devices: [StabilityReport]) -> StabilityDocument {
    StabilityDocument(gateway: "cabin", runs: 10, pause: .seconds(2), devices: devices, isComplete: true)
  }

  @Test func `all that was measured, and why it is not passed`() throws {
    let times: [Int64] = [800, 1900, 3100, 4000, 5200]
    let runs =
      times.enumerated().map { StabilityRun($0.offset + 1, connectMs: $0.element, pollMs: $0.element + 3000) }
      + [6, 7, 8].map { StabilityRun($0, failure: FailureReport($0 == 8 ? .silent : .notSeen, at: .scan, "No."), pollMs: 8000) }
    #expect(
      StabilityText.text(of: document([try report(runs, leaks: .init(processes: 1, descriptors: nil, links: 1))])) == """

        Inverter: fair, not passed
          polls     5 of 8 succeeded (62.5 %), made by the running service
          connect   mean 3.0 s, p50 3.1 s, p95 5.2 s
          poll      mean 6.0 s, p50 6.1 s, p95 8.2 s
          failures  not_seen 2, silent 1
          trend     rising (+4.4 s over the test, Mann-Kendall z 2.2)
          left      1 process, descriptors unknown, 1 link
          ! 5 of 8 polls succeeded; at least 80 % must.
          ! Connecting took longer and longer: by 4.4 s over the test.
          ! Processes that workers left: 1.
          ! The module is still connected after the last poll: by a link that was left, or another program's.
        """)
  }

  @Test func `of several devices the whole is said at the end`() throws {
    let well = try report([StabilityRun(1, connectMs: 412, pollMs: 2900)])
    let text = StabilityText.text(of: document([well, well]))
    #expect(text.hasPrefix("\nInverter: excellent, passed\n") && text.hasSuffix("\n\nAll in all: passed"))
    #expect(text.contains("  connect   mean 412 ms, p50 412 ms, p95 412 ms\n  poll      mean 2.9 s, "))
    #expect(text.contains("  trend     unknown, of less than 4 successes\n"))
    #expect(!StabilityText.text(of: document([well])).contains("All in all"))
  }

  @Test func `a line a poll`() throws {
    let device = DeviceConfig(
      name: "\u{1B}Inverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter")
    #expect(
      StabilityProgress.line(StabilityRun(3, connectMs: 412, pollMs: 2910), of: 10, device)
        == "?Inverter   3/10  ok      connected in 412 ms, polled in 2.9 s")
    let failure = FailureReport(.notSeen, at: .scan, "It was not seen.")
    #expect(
      StabilityProgress.line(StabilityRun(10, failure: failure, pollMs: 8012), of: 10, device)
        == "?Inverter  10/10  failed  not_seen at scan, after 8.0 s")
  }
}
