import Policy
import Testing

@Suite struct TimeoutScaleTests {
  @Test(arguments: [(0, 25), (1, 25), (2, 25), (3, 40), (4, 45), (5, 45), (6, 45), (1_000_000, 45)])
  func `the deadline is 25, 25, 25, 40, 45, 45 seconds`(_ failures: Int, _ seconds: Int) {
    #expect(TimeoutScale.automatic.deadline(afterFailures: failures) == .seconds(seconds))
  }

  @Test(arguments: [(1, 10), (10, 10), (33, 33), (60, 60), (61, 60)])
  func `a chosen timeout stays as it is, within 10 to 60 seconds`(_ chosen: Int, _ seconds: Int) {
    for failures in [0, 3, 9] {
      #expect(TimeoutScale.fixed(.seconds(chosen)).deadline(afterFailures: failures) == .seconds(seconds))
    }
  }
}
