import Policy
import Testing

@Suite struct BackOffTests {
  @Test(arguments: [(0, 30), (1, 30), (2, 30), (3, 60), (4, 120), (5, 240), (6, 300), (7, 300), (999, 300)])
  func `from the third failure the interval doubles, up to five minutes`(_ failures: Int, _ seconds: Int) {
    #expect(BackOff().pause(interval: .seconds(30), failures: failures, jitter: 0) == .seconds(seconds))
  }

  @Test func `jitter is a tenth either way, and none while there is no back-off`() {
    #expect(BackOff().pause(interval: .seconds(30), failures: 3, jitter: 1) == .seconds(66))
    #expect(BackOff().pause(interval: .seconds(30), failures: 3, jitter: -1) == .seconds(54))
    #expect(BackOff().pause(interval: .seconds(30), failures: 2, jitter: 1) == .seconds(30))
    #expect(BackOff().pause(interval: .seconds(30), failures: 6, jitter: 1) == .seconds(300))
  }

  @Test func `an interval longer than five minutes is its own cap`() {
    #expect(BackOff().pause(interval: .seconds(600), failures: 5, jitter: 1) == .seconds(600))
  }
}
