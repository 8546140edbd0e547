import CLinux
import Glibc

/// Process groups that are over for their owners, while this process may still have to reap some of them.
struct Remains {
  typealias Instant = ContinuousClock.Instant

  /// All were killed, and should be gone soon: until when to expect that. Members are here to be reaped where this process has adopted
  /// them.
  private var killed: [Int32: Instant] = [:]
  /// Some did not end after SIGKILL, or are held by a tracer. They may end one day.
  private(set) var abandoned: Set<Int32> = []

  /// How often to look whether an abandoned one has ended after all.
  static let lookEvery = Duration.seconds(1)

  var ending: Set<Int32> { Set(killed.keys) }
  var isEmpty: Bool { killed.isEmpty && abandoned.isEmpty }

  mutating func expect(_ group: Int32, until: Instant) { killed[group] = until }
  mutating func abandon(_ group: Int32) { abandoned.insert(group) }

  /// The number is a new child's: it was free.
  mutating func forget(_ group: Int32) {
    killed[group] = nil
    abandoned.remove(group)
  }

  mutating func reap(at now: Instant) {
    for (group, until) in killed {
      if isEmptied(group) {
        killed[group] = nil
      } else if now >= until {
        killed[group] = nil
        abandoned.insert(group)
      }
    }
    for group in abandoned where isEmptied(group) { abandoned.remove(group) }
  }

  /// Reaps what it can. `true`: no child of this process is left in the group.
  private func isEmptied(_ group: Int32) -> Bool {
    var ended = blupow_reap(-group)
    while ended.reaped == 1 { ended = blupow_reap(-group) }
    return ended.reaped < 0
  }
}
