import Policy
import Testing

/// One test a cell of the table: interval 30 s, deadline 25 s, cache_for 5 min, grace 10 min.
@Suite struct FreshnessTests {
  private let limits = Freshness.Limits(
    interval: .seconds(30), deadline: .seconds(25), cacheFor: .seconds(300), grace: .seconds(600))

  private func freshness(_ age: Int?, _ succeeded: Bool) -> Freshness {
    Freshness(age: age.map { .seconds($0) }, lastPollSucceeded: succeeded, limits: limits)
  }

  @Test func `after a success it is connected for two intervals and a deadline`() {
    #expect(freshness(0, true) == .connected(age: .zero))
    #expect(freshness(85, true) == .connected(age: .seconds(85)))
    #expect(freshness(86, true) == .offline(age: .seconds(86)))
  }

  @Test func `after a failure it is offline at any age within the cache`() {
    #expect(freshness(0, false) == .offline(age: .zero))
    #expect(freshness(300, false) == .offline(age: .seconds(300)))
  }

  @Test func `beyond the cache it is disconnected, and its values are shown as stale within the grace`() {
    for succeeded in [true, false] {
      #expect(freshness(301, succeeded) == .stale(age: .seconds(301)))
      #expect(freshness(600, succeeded) == .stale(age: .seconds(600)))
    }
  }

  @Test func `beyond the grace it is gone`() {
    for succeeded in [true, false] { #expect(freshness(601, succeeded) == .gone) }
  }

  @Test func `never read, or read at an unknown time, it is gone`() {
    for succeeded in [true, false] { #expect(freshness(nil, succeeded) == .gone) }
  }

  @Test func `each has its status, and is available until it is gone`() {
    let all: [(Freshness, Freshness.Status, Bool)] = [
      (.connected(age: .zero), .connected, true), (.offline(age: .zero), .offline, true),
      (.stale(age: .zero), .disconnected, true), (.gone, .disconnected, false),
    ]
    for (freshness, status, available) in all {
      #expect(freshness.status == status)
      #expect(freshness.isAvailable == available)
    }
  }

  @Test func `slow polling stretches cache and grace`() {
    let slow = Freshness.Limits(interval: .seconds(300), deadline: .seconds(45), cacheFor: .seconds(300), grace: .seconds(600))
    #expect(slow.live == .seconds(645))
    #expect(slow.cache == .seconds(645))
    #expect(slow.grace == .seconds(990))
  }
}
