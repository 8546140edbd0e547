import Policy
import Readings
import Testing

/// Both clocks go alike, but where the host sleeps.
@Suite struct StallCheckTests {
  private let start = Instant.now
  private let woken = SuspendingClock.now
  private let first: Address
  private let second: Address
  private var check = StallCheck()

  init() throws {
    first = try #require(Address("D8:B6:73:BF:4F:75"))
    second = try #require(Address("D8:B6:73:BF:4F:76"))
  }

  /// - Parameter slept: of those seconds, in suspend.
  private mutating func look(_ modules: [Address: StallCheck.Doing], at seconds: Double, slept: Double = 0) -> [Address] {
    check.look(modules, at: start + .seconds(seconds), awake: woken + .seconds(seconds - slept))
  }

  private func rest(until seconds: Double) -> StallCheck.Doing { .resting(until: start + .seconds(seconds)) }

  @Test mutating func `one that rests is stuck a minute after its time, not before`() {
    #expect(look([first: rest(until: 300)], at: 0) == [])
    #expect(look([first: rest(until: 300)], at: 360) == [])
    #expect(look([first: rest(until: 300)], at: 361) == [first])
    #expect(look([first: rest(until: 661)], at: 370) == [], "it moves again")
  }

  @Test mutating func `a poll has its deadline, ten seconds for its end, and a minute`() {
    let polling = StallCheck.Doing.polling(poll: "p-1", deadline: .seconds(25))
    #expect(look([first: polling], at: 0) == [])
    #expect(look([first: polling], at: 95) == [])
    #expect(look([first: polling], at: 96) == [first])
    #expect(look([first: .polling(poll: "p-2", deadline: .seconds(25))], at: 97) == [])
  }

  @Test mutating func `a release has its deadline, ten seconds, and a minute`() {
    #expect(look([first: .releasing(poll: "p-1")], at: 0) == [])
    #expect(look([first: .releasing(poll: "p-1")], at: 78) == [])
    #expect(look([first: .releasing(poll: "p-1")], at: 79) == [first])
  }

  /// 2 x 88 s beside one other, and an hour.
  @Test mutating func `who waits for a session may wait for more than an hour while others come and go, and not for ever`() {
    var stuck: Int?
    for poll in 0..<200 where stuck == nil {
      let polling = StallCheck.Doing.polling(poll: "q-\(poll)", deadline: .seconds(45))
      if look([first: .waiting(poll: "p-1"), second: polling], at: Double(poll) * 60) == [first] { stuck = poll }
    }
    #expect(stuck == 63)
  }

  @Test mutating func `who waits while nobody moves is stuck`() {
    let modules = [first: StallCheck.Doing.waiting(poll: "p-1"), second: .waiting(poll: "q-1")]
    #expect(look(modules, at: 0) == [])
    #expect(look(modules, at: 148) == [])
    #expect(look(modules, at: 149) == [first, second])
  }

  @Test mutating func `a night in suspend makes nobody late`() {
    #expect(look([first: rest(until: 30)], at: 0) == [])
    #expect(look([first: rest(until: 30)], at: 30_000, slept: 29_980) == [])
    #expect(look([first: rest(until: 30)], at: 30_069, slept: 29_980) == [])
    #expect(look([first: rest(until: 30)], at: 30_071, slept: 29_980) == [first])
  }

  @Test mutating func `one that is no longer configured is nobody's`() {
    #expect(look([first: rest(until: 1), second: rest(until: 300)], at: 0) == [])
    #expect(look([second: rest(until: 300)], at: 200) == [])
  }
}
