package import Logging
import NIOCore
package import Policy

/// Tells the service manager how the service does: that it is up, what it reads again, that it ends, and one line about the fleet.
package actor SystemdPublisher {
  private let socket: NotifySocket
  private let log: Logger
  private var isUp = false
  private var line: String?
  private var isUnheard = false

  package init(_ socket: NotifySocket, log: Logger) {
    self.socket = socket
    self.log = log
  }

  /// The service is up from the first status on; then what has changed is told, until there are no more.
  package func run(_ statuses: some AsyncSequence<FleetStatus, Never> & Sendable) async {
    for await status in statuses {
      let text = FleetLine(status).text
      guard !isUp || text != line else { continue }
      line = text
      let isNews = !isUp
      isUp = true
      await say((isNews ? ["READY=1"] : []) + ["STATUS=\(text)"])
    }
  }

  /// Before the configuration is read again. One who is not up yet has nothing to tell of that.
  package func reloading() async {
    guard isUp else { return }
    await say(["RELOADING=1", "MONOTONIC_USEC=\(Self.monotonic)"])
  }

  /// After it, whatever came of it.
  package func reloaded() async {
    guard isUp else { return }
    await say(["READY=1"])
  }

  package func stopping() async { await say(["STOPPING=1", "STATUS=Ending: workers are stopped, and links freed."]) }

  /// Progress was seen.
  package func feed() async { await say(["WATCHDOG=1"]) }

  private func say(_ assignments: [String]) async {
    let failure = await socket.say(assignments)
    // What lasts is said when it begins.
    if let failure, !isUnheard {
      log.error("the service manager does not hear this service at \(socket): \(failure). It may take it for dead.")
    }
    isUnheard = failure != nil
  }

  /// By the clock that systemd compares it with, CLOCK_MONOTONIC, in microseconds.
  private static var monotonic: UInt64 { NIODeadline.now().uptimeNanoseconds / 1000 }
}
