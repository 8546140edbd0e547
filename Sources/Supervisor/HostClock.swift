import CLinux
package import FoundationEssentials
import Glibc
package import Policy
import Readings

/// The host's clocks, as policy wants to have them read.
package struct HostClock: Sendable {
  /// What boot this is; a word of its own where nobody can say.
  package var boot: String
  /// Since the boot, suspend included.
  package var uptime: @Sendable () -> Duration
  package var wall: @Sendable () -> Date
  /// Whether the kernel says that its wall clock is right.
  package var isSynchronised: @Sendable () -> Bool

  package init(
    boot: String, uptime: @escaping @Sendable () -> Duration, wall: @escaping @Sendable () -> Date,
    isSynchronised: @escaping @Sendable () -> Bool
  ) {
    self.boot = boot
    self.uptime = uptime
    self.wall = wall
    self.isSynchronised = isSynchronised
  }

  package static let real = HostClock(
    boot: bootID, uptime: { .nanoseconds(blupow_boot_time()) }, wall: { Date() },
    isSynchronised: { blupow_clock_is_synchronised() == 1 })

  /// All of them at one moment.
  package func read() -> ClockReading {
    ClockReading(
      instant: .now, stamp: Timestamp(boot: boot, uptime: uptime(), wall: wall(), isSynchronised: isSynchronised()))
  }

  private static var bootID: String {
    let path = "/proc/sys/kernel/random/boot_id"
    let file = open(path, O_RDONLY | O_CLOEXEC)
    // One that nothing equals: then no stored age is exact.
    guard file >= 0 else { return "unknown-\(UInt64.random(in: 0 ... .max))" }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = Glibc.read(file, &bytes, bytes.count)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).filter { !$0.isWhitespace }
    return text.isEmpty ? "unknown-\(UInt64.random(in: 0 ... .max))" : text
  }
}
