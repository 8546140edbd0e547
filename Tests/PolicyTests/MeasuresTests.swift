import Policy
import Testing

@Suite struct SuccessRateTests {
  @Test func `it is unknown before the first poll`() { #expect(SuccessRate().share == nil) }

  @Test func `it is the share of the polls so far`() {
    var rate = SuccessRate()
    for success in [true, true, true, false] { rate.note(success: success) }
    #expect(rate.share == 0.75)
  }

  @Test func `only the last hundred count`() {
    var rate = SuccessRate()
    for _ in 0..<250 { rate.note(success: false) }
    for _ in 0..<40 { rate.note(success: true) }
    #expect(rate.share == 0.4)
    for _ in 0..<100 { rate.note(success: true) }
    #expect(rate.share == 1)
  }
}

@Suite struct RecentMeanTests {
  @Test func `it is the mean of the last hundred`() {
    var mean = RecentMean()
    #expect(mean.mean == nil)
    for _ in 0..<50 { mean.note(1000) }
    for _ in 0..<100 { mean.note(20) }
    #expect(mean.mean == 20)
  }
}

@Suite struct AvailabilityRecordTests {
  private let start = Instant.now

  private func at(_ hours: Double) -> Instant { start + .seconds(hours * 3600) }

  @Test func `nothing is known at the start`() {
    var record = AvailabilityRecord(start: start)
    #expect(record.share == nil)
    record.advance(to: start, availableUntil: nil)
    #expect(record.share == nil)
  }

  @Test func `time up to an end within the step counts, time after it does not`() {
    var record = AvailabilityRecord(start: start)
    record.advance(to: at(1), availableUntil: at(0.25))
    #expect(record.share == 0.25)
    record.advance(to: at(2), availableUntil: at(9))
    #expect(record.share == 0.625)
  }

  @Test func `what is older than a day is forgotten`() {
    var record = AvailabilityRecord(start: start)
    record.advance(to: at(10), availableUntil: nil)
    record.advance(to: at(22), availableUntil: at(99))
    #expect(abs((record.share ?? 0) - 12.0 / 22) < 0.01)
    record.advance(to: at(40), availableUntil: at(99))
    #expect(record.share == 1)
  }

  @Test func `a year in one step, and a million small ones, stay within a day of buckets`() {
    var record = AvailabilityRecord(start: start)
    record.advance(to: at(8760), availableUntil: at(8748))
    #expect(abs((record.share ?? 0) - 0.5) < 0.01)
    for step in 1...10_000 { record.advance(to: at(8760 + Double(step) / 60), availableUntil: nil) }
    #expect(record.bucketCount <= 289)
    #expect(record.share == 0)
  }

  @Test func `a clock that stands still or a late call changes nothing`() {
    var record = AvailabilityRecord(start: start)
    record.advance(to: at(1), availableUntil: at(1))
    record.advance(to: at(0.5), availableUntil: nil)
    #expect(record.share == 1)
  }
}
