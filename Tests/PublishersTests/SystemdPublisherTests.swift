import Glibc
import Logging
import Policy
import Readings
import Rig
import Testing

@testable import Publishers

@Suite struct SystemdPublisherTests {
  private let listener: NotifyListener
  private let lines = LogLines()
  private let publisher: SystemdPublisher

  init() throws {
    listener = try NotifyListener(NotifyListener.freeName)
    let lines = lines
    publisher = SystemdPublisher(
      try NotifySocket(listener.name), log: Logger(label: "systemd") { _ in lines.handler(level: .notice) })
  }

  @Test(.timeLimit(.minutes(5))) func `the first status is ready, and then only what has changed is told`() async throws {
    let (statuses, status) = AsyncStream.makeStream(of: FleetStatus.self)
    let fleet = try Sample.fleet()
    var older = fleet
    older.uptime = .seconds(100)
    var other = fleet
    other.devices[0].status = .offline
    for each in [fleet, older, other] { status.yield(each) }
    status.finish()
    await publisher.run(statuses)
    #expect(try await listener.next() == ["READY=1", "STATUS=2 devices: 2 connected"])
    #expect(try await listener.next() == ["STATUS=2 devices: 1 connected, 1 offline"])
    #expect(try await listener.next(within: .zero) == nil)
  }

  @Test(.timeLimit(.minutes(5))) func `reading again is told with the time, but not by one who is not up yet`() async throws {
    await publisher.reloading()
    await publisher.reloaded()
    #expect(try await listener.next(within: .zero) == nil, "that would be ready before its time")
    let (statuses, status) = AsyncStream.makeStream(of: FleetStatus.self)
    status.yield(try Sample.fleet())
    status.finish()
    await publisher.run(statuses)
    _ = try await listener.next()
    await publisher.reloading()
    await publisher.reloaded()
    let reloading = try #require(try await listener.next())
    #expect(reloading.count == 2 && reloading[0] == "RELOADING=1")
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    let told = try #require(reloading[1].wholeMatch(of: /MONOTONIC_USEC=(\d+)/).flatMap { Int($0.1) })
    #expect((0...60_000_000).contains(now.tv_sec * 1_000_000 + now.tv_nsec / 1000 - told))
    #expect(try await listener.next() == ["READY=1"])
  }

  @Test func `a manager that does not listen is one line in the log, however often it is told`() async throws {
    let deaf = SystemdPublisher(
      try NotifySocket(NotifyListener.freeName), log: Logger(label: "systemd") { [lines] _ in lines.handler(level: .notice) })
    for _ in 0..<3 { await deaf.feed() }
    #expect(
      lines.all.count == 1 && lines.all[0].hasPrefix("error the service manager does not hear this service at @blupow-test"))
  }
}
