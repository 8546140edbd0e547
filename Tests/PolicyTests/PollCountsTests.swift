import Readings
import Testing

@testable import Policy

@Suite struct PollCountsTests {
  @Test func `what ended well and what failed is counted by its class, what we stopped is not`() {
    var counts = PollCounts()
    #expect(counts.all == 0 && counts.failures == [:])
    counts.note(.readings(DeviceReadings(device: "A", profile: "inverter", unit: 32, model: nil, readings: [:])))
    for failure in [Failure.silent, .silent, .notSeen, .stopped] { counts.note(.failed(FailureReport(failure, at: .read, ""))) }
    #expect(counts.successes == 1 && counts.failures == [.silent: 2, .notSeen: 1] && counts.all == 4)
  }
}
