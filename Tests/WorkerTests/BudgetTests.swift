import Readings
import Testing

@testable import blupow_worker

@Suite struct BudgetTests {
  let start = ContinuousClock.now
  func budget(_ seconds: Int) -> Budget { Budget(start: start, deadline: .seconds(seconds)) }

  @Test func `of 25 seconds: 3 to clean up, 4 to read, and two attempts of 8 with a pause of 2`() {
    let budget = budget(25)
    #expect(budget.work == start + .seconds(22))
    #expect(budget.attempt(1, of: 2, pause: .seconds(2), now: start) == start + .seconds(8))
    #expect(budget.attempt(2, of: 2, pause: .seconds(2), now: start + .seconds(10)) == start + .seconds(18))
  }

  @Test func `pauses double, also those that are still to come`() {
    // Before the third of four: one pause of 2 s x 2^2 is to come.
    let end = budget(45).attempt(3, of: 4, pause: .seconds(2), now: start)
    #expect(end == start + .seconds(15))
  }

  @Test(arguments: [(5, 2), (4, 2), (3, 2), (2, 2), (2, 18), (5, 30), (1, 30)])
  func `attempts that do not fit are not made, and the first one always has its time`(attempts: Int, pause: Int) {
    for seconds in [10, 15, 25, 45, 60] {
      let budget = budget(seconds)
      let made = budget.affordable(attempts, from: 1, pause: .seconds(pause), now: start)
      #expect((1...attempts).contains(made))
      let share = budget.attempt(1, of: made, pause: .seconds(pause), now: start) - start
      #expect(share >= budget.shortestAttempt, "\(seconds) s")
    }
  }

  @Test func `the shortest deadline still has time for everything`() {
    let budget = budget(4)
    #expect(budget.reading > .zero && budget.shortestAttempt > .zero)
    #expect(budget.scanning > start && budget.locking > start && budget.closing < budget.end)
  }
}
