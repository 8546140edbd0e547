import Glibc
import Readings
import Testing

struct DurationTests {
  @Test func `seconds print as they were given`() {
    #expect(Duration.seconds(25).seconds == 25)
    #expect(Duration.milliseconds(1118).seconds == 1.118)
    #expect(Duration.microseconds(1_000_001).seconds == 1.000001)
    #expect(Duration.nanoseconds(999).seconds == 0)
    #expect(Duration.milliseconds(-1500).seconds == -1.5)
    for milliseconds in 0...120_000 {
      #expect(Duration.milliseconds(milliseconds).seconds == Double(milliseconds) / 1000)
    }
  }

  @Test func `milliseconds are whole`() {
    #expect(Duration.seconds(25).milliseconds == 25_000)
    #expect(Duration.microseconds(1999).milliseconds == 1)
    #expect(Duration.microseconds(999).milliseconds == 0)
    #expect(Duration.milliseconds(Int64.max / 1000).milliseconds == Int64.max / 1000)
  }

  /// Every deadline, age and pause here is measured with it; on a clock that stops in suspend, a device that was last read
  /// before the night would be `connected` in the morning.
  @Test func `the continuous clock counts suspend: it is CLOCK_BOOTTIME`() throws {
    func boottime() -> Duration {
      var time = timespec()
      clock_gettime(CLOCK_BOOTTIME, &time)
      return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let before = boottime()
    let now = ContinuousClock().systemEpoch.duration(to: .now)
    let after = boottime()
    #expect(before <= now + .milliseconds(10))
    #expect(now <= after + .milliseconds(10))
  }
}
