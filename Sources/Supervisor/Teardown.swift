import Glibc

/// When one child is asked, then told, then made to end. Pure: time and events in, actions out.
///
///     running --deadline, stop, overflow--> terminating --grace--> killing --5 s--> over (abandoned)
///        any of them --exit--> over
struct Teardown: Equatable, Sendable {
  typealias Instant = ContinuousClock.Instant

  enum State: Equatable, Sendable {
    case running(deadline: Instant?)
    case terminating(kill: Instant)
    case killing(abandon: Instant)
    case over
  }

  enum Event: Equatable, Sendable {
    /// Time may have passed.
    case tick
    /// The child's owner asks for its end, or has gone.
    case stop
    /// It went over an output limit.
    case overflow
    /// Its leader is a zombie: ended, not yet reaped.
    case exited
  }

  enum Action: Equatable, Sendable {
    /// To the whole process group.
    case signal(Int32)
    case tell(ChildEvent)
    /// Drain, reap, close, and say how it ended.
    case collect
    /// Close everything and say that it did not end.
    case abandon
  }

  /// How long a process may take to vanish after SIGKILL before nobody waits any more.
  static let patience = Duration.seconds(5)

  private(set) var state: State
  let grace: Duration

  init(deadline: Instant?, grace: Duration) {
    state = .running(deadline: deadline)
    self.grace = grace
  }

  /// When to come back with `tick`.
  var next: Instant? {
    switch state {
    case .running(let deadline): deadline
    case .terminating(let kill): kill
    case .killing(let abandon): abandon
    case .over: nil
    }
  }

  mutating func handle(_ event: Event, at now: Instant) -> [Action] {
    switch (state, event) {
    case (.over, _): return []
    case (_, .exited):
      state = .over
      // The leader is still a zombie, so the group's number cannot belong to anybody else yet.
      return [.signal(SIGKILL), .collect]
    case (.running(let deadline?), .tick) where now >= deadline: return [.tell(.deadline)] + terminate(at: now)
    case (.running, .stop), (.running, .overflow): return terminate(at: now)
    case (.terminating(let kill), .tick) where now >= kill:
      state = .killing(abandon: now + Self.patience)
      return [.signal(SIGKILL), .tell(.killed)]
    case (.killing(let abandon), .tick) where now >= abandon:
      state = .over
      return [.abandon]
    case (_, .tick), (.terminating, _), (.killing, _): return []
    }
  }

  private mutating func terminate(at now: Instant) -> [Action] {
    state = .terminating(kill: now + grace)
    // A stopped process would keep SIGTERM pending until SIGKILL: wake it, so that it can still free its link.
    return [.signal(SIGTERM), .signal(SIGCONT)]
  }
}
