import CLinux
import CMosquitto
import Glibc
import Synchronization

/// What a client's thread does.
final class BrokerLoop {
  /// From a connection to the broker's answer to the login.
  private static let loginLimit = Duration.seconds(15)
  private static let pauses: ClosedRange<Duration> = .seconds(1) ... .seconds(30)
  /// One that lasted this long was a connection; before that the pauses go on growing: two of one name throw each other out at once.
  private static let lasting = Duration.seconds(3)

  private static let library: Void = { mosquitto_lib_init() }()

  private let client: BrokerClient
  private let clock = ContinuousClock()

  init(_ client: BrokerClient) { self.client = client }

  func run() {
    blupow_name_thread("mqtt")
    blockSignals()
    Self.library
    var pause = Self.pauses.lowerBound
    while !isOver {
      let start = clock.now
      do throws(BrokerTrouble) {
        try serve(Session(client.broker))
      } catch {
        note(.away(error))
      }
      if start.duration(to: clock.now) >= Self.lasting { pause = Self.pauses.lowerBound }
      rest(pause * Double.random(in: 0.8...1.2))
      pause = min(pause * 2, Self.pauses.upperBound)
    }
    client.state.withLock { $0.hasEnded = true }
    client.release()
  }

  /// No handler of anybody's runs on this thread, and a broken pipe is an error of a call's.
  private func blockSignals() {
    var blocked = sigset_t()
    sigfillset(&blocked)
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&blocked, signal) }
    pthread_sigmask(SIG_SETMASK, &blocked, nil)
  }

  // MARK: One connection

  /// Until it is lost, which is thrown, or over.
  private func serve(_ session: Session) throws(BrokerTrouble) {
    try session.connect()
    let loginEnd = clock.now + Self.loginLimit
    var nextTick = clock.now
    var nextRetry = clock.now + BrokerClient.retryPause
    var isConnected = false
    while true {
      var loss: BrokerTrouble?
      do throws(BrokerTrouble) { try turn(session) } catch { loss = error }
      for happening in session.take() {
        switch happening {
        case .connected:
          isConnected = true
          client.state.withLock { $0.outbox.startOver() }
          for filter in client.filters { try session.subscribe(filter) }
          note(.connected)
        case .refused(let reason): throw .refused(reason, by: client.broker)
        case .answered(let packet, let refusal):
          client.state.withLock { $0.outbox.answered(packet: packet, refusal: refusal) }
          client.onChange()
        case .received(let message): client.onMessage(message)
        }
      }
      // After what the broker had to say of it.
      if let loss { throw loss }
      if clock.now >= nextTick {
        try session.tick()
        nextTick = clock.now + .seconds(1)
      }
      if isConnected {
        if clock.now >= nextRetry {
          client.state.withLock { $0.outbox.retryRefused() }
          nextRetry = clock.now + BrokerClient.retryPause
        }
        try send(session)
      } else if clock.now >= loginEnd {
        throw .noAnswer(client.broker)
      }
      switch farewell(isConnected) {
      case .none: break
      case .polite:
        session.disconnect()
        // The farewell itself has to leave.
        try turn(session, patience: .zero)
        return
      // What it could not be told the broker says by the will.
      case .silent: return
      }
    }
  }

  private func send(_ session: Session) throws(BrokerTrouble) {
    while let message = client.state.withLock({ $0.next() }) {
      switch try session.publish(message) {
      case .sent(let packet): client.state.withLock { $0.outbox.sent(packet: packet) }
      case .unfit(let why):
        client.state.withLock { $0.outbox.refuse(why: why) }
        client.onChange()
      }
    }
  }

  /// Waits for the socket or the bell, and does what the socket is ready for.
  private func turn(_ session: Session, patience: Duration = .seconds(1)) throws(BrokerTrouble) {
    let socket = session.socket
    let events = Int16(POLLIN) | (session.wantsToWrite ? Int16(POLLOUT) : 0)
    let left = client.state.withLock { $0.end }.map { max(.zero, $0 - clock.now) }
    let ready = wait(for: socket, events, min(patience, left ?? patience))
    if ready & Int16(POLLIN | POLLERR | POLLHUP) != 0 { try session.read() }
    if session.wantsToWrite, session.socket >= 0 { try session.write() }
  }

  // MARK: Waiting

  private var isOver: Bool { client.state.withLock { $0.end != nil } }

  private enum Farewell { case none, polite, silent }

  /// Whether it is to end, because nothing is left to say, or no time to say it in.
  private func farewell(_ isConnected: Bool) -> Farewell {
    client.state.withLock { state in
      guard let end = state.end else { return .none }
      state.hasSaidAll = isConnected && state.outbox.isIdle
      return state.hasSaidAll ? .polite : clock.now >= end ? .silent : .none
    }
  }

  /// What the socket is ready for. The bell ends a wait.
  private func wait(for socket: Int32, _ events: Int16, _ patience: Duration) -> Int16 {
    // A negative descriptor is passed over by poll(2).
    var waits = [
      pollfd(fd: socket, events: events, revents: 0), pollfd(fd: client.bell, events: Int16(POLLIN), revents: 0),
    ]
    let milliseconds = patience.components.seconds * 1000 + patience.components.attoseconds / 1_000_000_000_000_000
    guard poll(&waits, 2, Int32(clamping: milliseconds)) > 0 else { return 0 }
    var rings: UInt64 = 0
    if waits[1].revents != 0 { _ = Glibc.read(client.bell, &rings, 8) }
    return waits[0].revents
  }

  private func rest(_ pause: Duration) {
    let end = clock.now + pause
    while !isOver, clock.now < end { _ = wait(for: -1, 0, end - clock.now) }
  }

  private func note(_ link: BrokerClient.Link) {
    client.state.withLock { $0.link = link }
    client.onChange()
  }
}
