import FoundationEssentials
import Policy
import Readings
import Testing

@Suite struct TimestampTests {
  private let now = Sample.at(5000)

  /// How old something is for a process that starts `now`, if it was 100 s after a boot by that one.
  private func age(_ past: Timestamp, _ clock: ClockReading) -> Duration? { clock.instant(of: past).map { now - $0 } }

  private func past(boot: String = "a", wall: Double = 1_784_000_000, isSynchronised: Bool = true) -> Timestamp {
    Timestamp(
      boot: boot, uptime: .seconds(100), wall: Date(timeIntervalSince1970: wall), isSynchronised: isSynchronised)
  }

  @Test(arguments: [0, 1_784_000_000, 4_000_000_000.0], [true, false])
  func `within one boot the age is exact, whatever the wall clock says`(wall: Double, isSynchronised: Bool) {
    let clock = Sample.clock(boot: "a", at: now, uptime: 340, wall: wall, isSynchronised: isSynchronised)
    #expect(age(past(), clock) == .seconds(240))
  }

  @Test func `across a boot it is the difference of two wall clocks that were both right`() {
    let clock = Sample.clock(boot: "b", at: now, uptime: 20, wall: 1_784_000_480)
    #expect(age(past(), clock) == .seconds(480))
  }

  @Test(arguments: [(true, false), (false, true), (false, false)])
  func `across a boot nobody knows it where one of them was not known to be right`(then: Bool, now isSynchronised: Bool) {
    let clock = Sample.clock(boot: "b", at: now, uptime: 20, wall: 1_784_000_480, isSynchronised: isSynchronised)
    #expect(age(past(isSynchronised: then), clock) == nil)
  }

  @Test func `a moment has the same stamp whenever it is asked for, and comes back as itself`() throws {
    let clock = Sample.clock(boot: "a", at: Sample.start)
    let stamp = clock.stamp(of: Sample.at(12.5))
    #expect(stamp.uptime == .milliseconds(1_012_500))
    #expect(stamp.wall == Date(timeIntervalSince1970: 1_784_000_012.5))
    let read = try Wire.decode(Timestamp.self, from: try Wire.line(stamp))
    #expect(clock.instant(of: read) == Sample.at(12.5))
  }

  @Test(arguments: [
    #"{"boot":"a","uptime_ms":9223372036854775807,"wall_ms":0,"synchronised":true}"#,
    #"{"boot":"a","uptime_ms":1,"wall_ms":-9223372036854775808,"synchronised":true}"#,
    #"{"boot":"a","uptime_ms":1.5,"wall_ms":0,"synchronised":true}"#, #"{"boot":"a"}"#,
  ])
  func `what is no time of a machine's is refused`(text: String) {
    #expect(throws: (any Error).self) { try Wire.decode(Timestamp.self, from: Array(text.utf8)) }
  }
}
