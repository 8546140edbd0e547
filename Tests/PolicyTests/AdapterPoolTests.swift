import Policy
import Readings
import Testing

@Suite struct AdapterPoolTests {
  private let start = Instant.now

  private func module(_ number: Int) throws -> Address { try #require(Address("D8:B6:73:BF:4F:0\(number)")) }

  @Test func `at most three sessions run at once`() throws {
    var pool = AdapterPool()
    for number in 0..<5 { pool.ask(try module(number), due: start + .seconds(number), isFailing: false) }
    #expect(pool.admit().modules == [try module(0), try module(1), try module(2)])
    #expect(pool.admit().modules == [])
    pool.leave(try module(1))
    #expect(pool.admit().modules == [try module(3)])
  }

  @Test func `the earliest due goes first, whoever asked first`() throws {
    var pool = AdapterPool()
    for number in [3, 1, 2, 4] { pool.ask(try module(number), due: start + .seconds(number), isFailing: false) }
    #expect(pool.admit().modules == [try module(1), try module(2), try module(3)])
  }

  @Test func `modules that fail share one session and do not stand in the way of the others`() throws {
    var pool = AdapterPool()
    for number in 0..<4 { pool.ask(try module(number), due: start + .seconds(number), isFailing: number < 3) }
    #expect(pool.admit().modules == [try module(0), try module(3)])
    pool.leave(try module(0))
    #expect(pool.admit().modules == [try module(1)])
  }

  @Test func `a module has one session, and a withdrawn wish none`() throws {
    var pool = AdapterPool()
    pool.ask(try module(0), due: start, isFailing: false)
    pool.ask(try module(0), due: start, isFailing: false)
    #expect(pool.admit().modules == [try module(0)])
    pool.ask(try module(0), due: start, isFailing: false)
    #expect(pool.admit().modules == [])
    pool.ask(try module(1), due: start, isFailing: false)
    pool.leave(try module(1))
    #expect(pool.admit().modules == [])
  }

  @Test func `one who must be alone waits for all to leave, and meanwhile nobody begins`() throws {
    var pool = AdapterPool()
    for number in 0..<2 { pool.ask(try module(number), due: start, isFailing: false) }
    _ = pool.admit()
    pool.askAlone()
    pool.ask(try module(2), due: start, isFailing: false)
    #expect(pool.admit() == AdapterPool.Admission())
    pool.leave(try module(0))
    #expect(pool.admit() == AdapterPool.Admission())
    pool.leave(try module(1))
    #expect(pool.admit() == AdapterPool.Admission(alone: true))
    #expect(pool.admit() == AdapterPool.Admission(), "it is alone until it leaves")
    pool.leaveAlone()
    #expect(pool.admit().modules == [try module(2)])
  }

  @Test func `with other limits those that run are not disturbed`() throws {
    var pool = AdapterPool()
    for number in 0..<6 { pool.ask(try module(number), due: start + .seconds(number), isFailing: number > 3) }
    #expect(pool.admit().modules.count == 3)
    pool.resize(sessions: 1, failingSessions: 1)
    pool.leave(try module(0))
    #expect(pool.admit().modules == [])
    pool.resize(sessions: 5, failingSessions: 2)
    #expect(pool.admit().modules == [try module(3), try module(4), try module(5)])
  }
}
