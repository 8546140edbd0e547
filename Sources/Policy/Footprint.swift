/// What a process that polls has open and has left, and whether the module is connected: at one look, or at each of several. What comes and
/// goes beside a test (a client of a service's socket) is not there at each of them; what was left is.
package struct Footprint: Equatable, Sendable {
  /// Open descriptors: the least of all looks; `nil`: nobody knows.
  package var descriptors: Int?
  /// Processes that workers left, of all time: the least of all looks.
  package var strays: Int?
  /// At each look, whoever's link it is.
  package var isLinked: Bool?

  package init(descriptors: Int? = nil, strays: Int? = nil, isLinked: Bool? = nil) {
    self.descriptors = descriptors
    self.strays = strays
    self.isLinked = isLinked
  }

  /// Another look.
  package mutating func merge(_ other: Footprint) {
    descriptors = Self.least(descriptors, other.descriptors)
    strays = Self.least(strays, other.strays)
    if let linked = other.isLinked { isLinked = linked && isLinked != false }
  }

  /// What is there `after`, and was not before. A link that stood before is the test's first poll's to free.
  package func leaks(_ after: Footprint) -> StabilityReport.Leaks {
    StabilityReport.Leaks(
      processes: Self.more(strays, after.strays), descriptors: Self.more(descriptors, after.descriptors),
      links: after.isLinked.map { $0 ? 1 : 0 })
  }

  private static func least(_ one: Int?, _ other: Int?) -> Int? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }

  private static func more(_ before: Int?, _ after: Int?) -> Int? {
    guard let before, let after else { return nil }
    return max(0, after - before)
  }
}
