import CLinux
import Glibc
import Readings
import Testing

@testable import ATT

/// Counts what this process holds, so nothing may run beside it (Tests/run).
@Suite struct KernelLinkLeakTests {
  @Test func `many connections leave no descriptor`() async throws {
    let stand = try Stand()
    let stop = blupow_eventfd()
    defer { close(stop) }
    func descriptors() -> Int { (0..<512).count { fcntl(Int32($0), F_GETFD) >= 0 } }
    var before = 0
    for round in 0..<40 {
      if round == 8 { before = descriptors() }
      let link = try KernelLinkTests.link(stand.directory, stop: stop)
      try link.connect(until: KernelLinkTests.soon)
      try link.resolve(until: KernelLinkTests.soon)
      if round % 2 == 0 { link.close() }
    }
    // The stand's end of the last ones may not be closed yet.
    #expect(descriptors() < before + 10)
  }
}
