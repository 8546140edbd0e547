package import FoundationEssentials
import Readings

/// A moment as a later process can place it: exactly within the same boot, by the wall clock beyond it.
package struct Timestamp: Equatable, Sendable {
  /// The kernel's id of the boot (`/proc/sys/kernel/random/boot_id`).
  package var boot: String
  /// Since then, suspend included (CLOCK_BOOTTIME).
  package var uptime: Duration
  package var wall: Date
  /// Whether the kernel said then that its wall clock is right (adjtimex): a Raspberry Pi has none of its own.
  package var isSynchronised: Bool

  package init(boot: String, uptime: Duration, wall: Date, isSynchronised: Bool) {
    self.boot = boot
    self.uptime = uptime
    self.wall = wall
    self.isSynchronised = isSynchronised
  }
}

extension Timestamp: Codable {
  private enum Key: String, CodingKey {
    case boot
    case uptime = "uptime_ms"
    case wall = "wall_ms"
    case isSynchronised = "synchronised"
  }

  /// A thousand years: more is no time of a machine's.
  private static let limit: Int64 = 1000 * 366 * 86_400_000

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    func milliseconds(_ key: Key) throws -> Int64 {
      let number = try fields.decode(Int64.self, forKey: key)
      guard number.magnitude < Self.limit else {
        throw DecodingError.dataCorruptedError(forKey: key, in: fields, debugDescription: "\(number) is no time of a machine's")
      }
      return number
    }
    boot = try fields.decode(String.self, forKey: .boot)
    uptime = .milliseconds(try milliseconds(.uptime))
    wall = Date(timeIntervalSince1970: Double(try milliseconds(.wall)) / 1000)
    isSynchronised = try fields.decode(Bool.self, forKey: .isSynchronised)
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(boot, forKey: .boot)
    try fields.encode(uptime.milliseconds, forKey: .uptime)
    try fields.encode(Int64((wall.timeIntervalSince1970 * 1000).rounded()), forKey: .wall)
    try fields.encode(isSynchronised, forKey: .isSynchronised)
  }
}

/// One moment by every clock: what turns instants of this process into timestamps for a later one, and an earlier one's back.
package struct ClockReading: Equatable, Sendable {
  package var instant: Instant
  package var stamp: Timestamp

  package init(instant: Instant, stamp: Timestamp) {
    self.instant = instant
    self.stamp = stamp
  }

  /// - Parameters:
  ///   - wall: by the wall clock then, where it was looked at; else this reading's, so much later or earlier.
  package func stamp(of moment: Instant, wall: Date? = nil, isSynchronised: Bool? = nil) -> Timestamp {
    let since = moment - instant
    return Timestamp(
      boot: stamp.boot, uptime: stamp.uptime + since, wall: wall ?? stamp.wall.addingTimeInterval(since.seconds),
      isSynchronised: isSynchronised ?? stamp.isSynchronised)
  }

  /// When that was, for this process. Within one boot it is known exactly; beyond it only by two wall clocks that were both right.
  /// `nil` where nobody knows.
  package func instant(of past: Timestamp) -> Instant? {
    if past.boot == stamp.boot { return instant + (past.uptime - stamp.uptime) }
    guard past.isSynchronised, stamp.isSynchronised else { return nil }
    return instant - .seconds(stamp.wall.timeIntervalSince(past.wall))
  }
}
