import Glibc
import Logging
import Policy
import Publishers
import Readings
import Supervisor

/// The polls of a stability test of one device, one after the other, and a look at what was there before and is left after them.
struct StabilityTest: Sendable {
  let device: DeviceConfig
  let runs: Int
  let pause: Duration
  let polls: Polls
  let log: Logger

  /// Who polls.
  enum Polls: Sendable {
    case service(RunningService)
    case command(Gateway)

    var poller: StabilityReport.Poller {
      switch self {
      case .service: .service
      case .command: .command
      }
    }

    func poll() async throws(ServiceTrouble) -> FleetStatus {
      switch self {
      case .service(let service): try await service.poll()
      case .command(let gateway): await gateway.pollOnce()
      }
    }

    /// `nil`: the service does not say.
    func status() async -> FleetStatus? {
      switch self {
      case .service(let service): try? await service.status()
      case .command(let gateway): await gateway.snapshot()
      }
    }

    /// How long what looks as if it was left may take to go by itself: a kernel's link 2.5 s after its poll; in a service until a moment
    /// between two polls of its own, and 10 s a client's connection to its socket.
    var patience: Duration {
      switch self {
      case .service: .seconds(15)
      case .command: .seconds(6)
      }
    }
  }

  /// What is told while it goes on.
  enum Event: Sendable {
    case began(run: Int)
    case ended(StabilityRun)
  }

  /// The report, and why the polls ended early where the service would not go on.
  func run(tell: @Sendable (Event) -> Void) async -> (report: StabilityReport, trouble: ServiceTrouble?) {
    var before = await look()
    var done: [StabilityRun] = []
    var trouble: ServiceTrouble?
    for number in 1...runs {
      if number > 1 { try? await Task.sleep(for: pause, clock: .continuous) }
      guard !Task.isCancelled else { break }
      tell(.began(run: number))
      let status: FleetStatus
      do throws(ServiceTrouble) { status = try await polls.poll() } catch {
        if !Task.isCancelled { trouble = error }
        break
      }
      // One that was stopped says nothing.
      guard !Task.isCancelled, let polled = status.devices.first(where: { $0.name == device.name }) else { break }
      let run = StabilityRun(number, polled)
      done.append(run)
      // What the first one opens for good is not lost: what is lost, is lost by each poll.
      if number == 1, runs > 1, case .command = polls, let now = await polls.status()?.descriptors {
        before.descriptors = before.descriptors.map { max($0, now) }
      }
      tell(.ended(run))
    }
    let isComplete = done.count == runs
    // Whoever ends it early does not wait for this.
    let after = isComplete ? await look(for: polls.patience) { before.leaks($0).isNone } : Footprint()
    let report = StabilityReport(
      name: device.name, address: device.address, profile: device.profile, poller: polls.poller, runs: done,
      leaks: before.leaks(after),
      isComplete: isComplete)
    return (report, trouble)
  }

  // MARK: What is there

  /// Looks until what was seen is as hoped for, or the time is over.
  private func look(for patience: Duration, until isEnough: (Footprint) -> Bool) async -> Footprint {
    let end = ContinuousClock.now + patience
    var footprint = await look()
    while !isEnough(footprint), ContinuousClock.now < end, !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(500), clock: .continuous)
      footprint.merge(await look())
    }
    return footprint
  }

  /// The worker that asks bluetoothd has ended, and its pipes are closed, before this process is counted.
  private func look() async -> Footprint {
    let request = Request(poll: "stability", deadline: .seconds(8), job: .probe)
    let probe = try? await PollRunner(worker: Sibling.worker, log: log).probe(request).get()
    let status = await polls.status()
    return Footprint(
      descriptors: status?.descriptors, strays: status?.strays,
      isLinked: probe.flatMap { isLinked($0) })
  }

  /// `nil`: bluetoothd or the worker does not say.
  private func isLinked(_ probe: Probe) -> Bool? {
    let links = probe.adapters.map(\.links)
    guard !links.contains(nil) else { return nil }
    return links.contains { $0?.contains(device.address) == true }
  }
}
