import CLinux
import Glibc
import Synchronization

/// Keeps a broker's retained messages equal to what was last put, on a thread of its own: connects, goes on trying, and begins anew after
/// every loss. Whoever puts never waits, whatever the broker does.
package final class BrokerClient: Sendable {
  package enum Link: Equatable, Sendable {
    /// Nothing is known yet.
    case connecting
    case connected
    case away(BrokerTrouble)
  }

  package struct Standing: Equatable, Sendable {
    package var link = Link.connecting
    /// Messages that the broker refused, by topic, with its reason.
    package var refused: [TopicName: String] = [:]
    /// The broker has taken or refused everything.
    package var isIdle = true

    package init(link: Link = .connecting, refused: [TopicName: String] = [:], isIdle: Bool = true) {
      self.link = link
      self.refused = refused
      self.isIdle = isIdle
    }
  }

  struct State: Sendable {
    var outbox = Outbox()
    var link = Link.connecting
    var end: ContinuousClock.Instant?
    var hasEnded = false
    /// Everything was said before the farewell.
    var hasSaidAll = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var wishesToStartOver = false

    mutating func next() -> Message? {
      if wishesToStartOver { outbox.startOver() }
      wishesToStartOver = false
      return outbox.take()
    }
  }

  /// An end that its time is over for takes no longer.
  private static let slack = Duration.milliseconds(200)
  /// Refused messages are tried again.
  static let retryPause = Duration.seconds(60)

  let broker: BrokerSettings
  let filters: [String]
  let onMessage: @Sendable (Message) -> Void
  let onChange: @Sendable () -> Void
  let state = Mutex(State())
  /// An eventfd: written, the thread looks again.
  let bell: Int32

  /// - Parameters:
  ///   - filters: topics to listen to, after every login.
  ///   - onMessage: what was received there; on the client's thread.
  ///   - onChange: the standing may have changed; on the client's thread.
  package init(
    _ broker: BrokerSettings, listeningTo filters: [String] = [], onMessage: @escaping @Sendable (Message) -> Void = { _ in },
    onChange: @escaping @Sendable () -> Void = {}
  ) {
    self.broker = broker
    self.filters = filters
    self.onMessage = onMessage
    self.onChange = onChange
    bell = blupow_eventfd()
  }

  deinit { close(bell) }

  /// Begins. `end` must follow.
  package func start() {
    let own = Unmanaged.passRetained(self)
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { own in
        guard let own else { return nil }
        BrokerLoop(Unmanaged<BrokerClient>.fromOpaque(own).takeRetainedValue()).run()
        return nil
      }, own.toOpaque())
    guard failure == 0 else {
      own.release()
      state.withLock { state in
        state.hasEnded = true
        state.link = .away(
          BrokerTrouble("No thread for the MQTT broker: \(String(cString: strerror(failure))).", advice: "Restart the service."))
      }
      return onChange()
    }
    pthread_detach(thread)
  }

  /// The message is what its topic shall hold from now on. `false`: there are too many topics.
  @discardableResult package func put(_ message: Message) -> Bool {
    defer { ring() }
    return state.withLock { $0.outbox.put(message) }
  }

  /// Everything is sent again, to who listens anew.
  package func startOver() {
    state.withLock { $0.wishesToStartOver = true }
    ring()
  }

  /// For people.
  package var place: String { broker.place }

  package var standing: Standing {
    state.withLock { state in
      Standing(link: state.link, refused: state.outbox.refused, isIdle: state.outbox.isIdle && state.link == .connected)
    }
  }

  /// Sends what is left, says farewell, and ends; gives up after `limit`. Without a farewell the broker publishes the will.
  ///
  /// - Parameter last: said instead of what is left.
  /// - Returns: the broker has everything.
  @discardableResult package func end(saying last: Message? = nil, within limit: Duration) async -> Bool {
    if let last {
      state.withLock { state in
        state.outbox.abandonWaiting()
        _ = state.outbox.put(last)
      }
    }
    let end = ContinuousClock.now + limit
    state.withLock { $0.end = end }
    ring()
    let patience = Task {
      // Its thread may hang in a connect(2) of two minutes: then it ends by itself, later.
      try? await Task.sleep(until: end + Self.slack, clock: .continuous)
      release()
    }
    await withCheckedContinuation { continuation in
      let hasEnded = state.withLock { state in
        if !state.hasEnded { state.waiting.append(continuation) }
        return state.hasEnded
      }
      if hasEnded { continuation.resume() }
    }
    patience.cancel()
    return state.withLock { $0.hasSaidAll }
  }

  /// Lets go whoever waits for the end.
  func release() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  private func ring() {
    var one: UInt64 = 1
    _ = write(bell, &one, 8)
  }
}
