import FoundationEssentials
import Policy
import Readings
import Testing

@Suite struct PollTallyTests {
  @Test func `the summary has how many succeeded, how long they took, and who fails`() throws {
    var tally = PollTally()
    #expect(tally.text(of: []) == "no poll ended")
    for number in 1...40 {
      tally.note(success: number != 7, lasted: .milliseconds(number * 100), lag: .milliseconds(number))
    }
    #expect(tally.text(of: []) == "39 of 40 polls succeeded (97.5 %), mean 2.1 s, p95 3.9 s; every device answers")
    #expect(tally.lag(0.99) == .milliseconds(40))
    var record = DeviceRecord(try #require(Sample.module()?.devices.first), start: Sample.start)
    let limits = try #require(Sample.module().map { ModuleMachine($0, firstPoll: Sample.start).freshnessLimits })
    record.note(Sample.failure("p-1", .notSeen), limits: limits, at: Sample.at(20), wall: .distantPast)
    let status = record.status(limits: limits, deadline: .seconds(25), at: Sample.at(20))
    #expect(tally.text(of: [status]).hasSuffix("; failing: Inverter (1 in a row, available 0.0 % of the day)"))
    #expect(tally.text(of: Array(repeating: status, count: 9)).hasSuffix(" and 4 more"))
  }

  @Test func `it keeps no more than it says`() {
    var tally = PollTally()
    for number in 0..<25_000 { tally.note(success: true, lasted: .seconds(number), lag: .zero) }
    #expect(tally.polls == 25_000)
    #expect(tally.time(0) == .seconds(15_000))
  }
}
