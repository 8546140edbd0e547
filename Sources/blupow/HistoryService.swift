import Foundation
import Logging
import Policy
import Readings
import ServiceLifecycle
import Store
import Supervisor

/// Writes the history until the group is told to end. Where that cannot be done polls go on, and a problem is raised.
struct HistoryService: Service {
  /// `nil`: nothing says where to keep it.
  let keeper: HistoryKeeper?
  let gateway: Gateway

  func run() async {
    guard let keeper else { return }
    let gateway = gateway
    await cancelWhenGracefulShutdown {
      await keeper.run { trouble in
        guard let trouble else { return await gateway.settle(.historyFailed) }
        await gateway.raise(Problem(.historyFailed, message: trouble.message, advice: trouble.advice))
      }
    }
  }
}

extension HistoryKeeper {
  /// By the host's clocks.
  init(directory: String, keep: Duration, log: Logger) {
    let host = HostClock.real
    self.init(directory: directory, keep: keep, clock: { HistoryClock(host) }, log: log)
  }
}

extension HistoryClock {
  init(_ host: HostClock) {
    self.init(instant: .now, wallMs: Int64(host.wall().timeIntervalSince1970 * 1000), isSynchronised: host.isSynchronised())
  }
}

extension HistoryEntry {
  init(_ polled: PolledDevice) {
    self.init(
      device: Device(
        name: polled.device.name, address: polled.device.address.text, unit: polled.device.unit,
        isSimulated: polled.device.testMode),
      at: polled.at,
      failure: polled.failure.map { HistoryFailure(name: $0.failure.rawValue, stage: $0.stage.rawValue) },
      connectMs: polled.connectMs, pollMs: polled.pollMs, deadline: polled.deadline, readings: polled.readings ?? [:],
      derived: Set(polled.derived), rawSign: Set(polled.rawSign))
  }
}
