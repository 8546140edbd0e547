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

  @Test func `a duration is read with its unit, plain numbers as seconds`() {
    #expect(Duration(text: "500ms") == .milliseconds(500))
    #expect(Duration(text: "25s") == .seconds(25))
    #expect(Duration(text: "5m") == .seconds(300))
    #expect(Duration(text: "2h") == .seconds(7200))
    #expect(Duration(text: "90d") == .seconds(7_776_000))
    #expect(Duration(text: "25") == .seconds(25))
    #expect(Duration(text: "0s") == .zero)
    #expect(Duration(text: "3650d") == .seconds(315_360_000))
  }

  @Test(arguments: ["", "s", "ms", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "5w", "3651d", "9223372036854775807d", "٣s"])
  func `what is no duration is none`(text: String) {
    #expect(Duration(text: text) == nil)
  }

  @Test func `in sentences a duration has one digit after the point, rounded`() {
    #expect(Duration.seconds(8).shortSeconds == "8.0 s")
    #expect(Duration.milliseconds(1949).shortSeconds == "1.9 s")
    #expect(Duration.milliseconds(1950).shortSeconds == "2.0 s")
    #expect(Duration.milliseconds(49).shortSeconds == "0.0 s")
  }

  /// Every deadline, age and pause here is measured with it; on a clock that stops in suspend, a device that was last read
  /// before the night would be `connected` in the morning.
  @Test func `the continuous clock counts suspend: it is CLOCK_BOOTTIME`() throws {
    func boottime() -> Duration {
      // A struct timespec as its two words: which Clang module owns its members differs from one build to the next, and
      // MemberImportVisibility asks for that module by name.
      var words: [Int64] = [0, 0]
      words.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        clock_gettime(CLOCK_BOOTTIME, base.assumingMemoryBound(to: timespec.self))
      }
      return .seconds(words[0]) + .nanoseconds(words[1])
    }
    let before = boottime()
    let now = ContinuousClock().systemEpoch.duration(to: .now)
    let after = boottime()
    #expect(before <= now + .milliseconds(10))
    #expect(now <= after + .milliseconds(10))
  }
}
