import Policy
import Readings

/// The modules that wait for their turn on an adapter, and how to tell them. Part of the gateway's state.
struct Sessions {
  /// Who must have adapters alone: which pools are held for it, which of them are not idle yet, and whom to tell.
  private struct Alone {
    var held: Set<String?>
    var missing: Set<String?>
    var turn: CheckedContinuation<Bool, Never>?
  }

  /// By adapter; modules without one share a pool.
  private var pools: [String?: AdapterPool] = [:]
  private var turns: [Address: CheckedContinuation<Bool, Never>] = [:]
  /// In which pool each module is.
  private var places: [Address: String?] = [:]
  private var alone: Alone?
  /// Others who must be alone, after that.
  private var next: [(adapter: String?, turn: CheckedContinuation<Bool, Never>)] = []
  private var settings: PolicySettings

  init(_ settings: PolicySettings) { self.settings = settings }

  mutating func adopt(_ settings: PolicySettings) {
    self.settings = settings
    for key in Array(pools.keys) {
      change(key) { $0.resize(sessions: settings.sessions, failingSessions: settings.failingSessions) }
    }
  }

  mutating func enter(
    _ module: Address, adapter: String?, due: Instant, isFailing: Bool, turn: CheckedContinuation<Bool, Never>
  ) {
    turns[module] = turn
    places[module] = adapter
    change(adapter) { $0.ask(module, due: due, isFailing: isFailing) }
  }

  /// Whether it has asked for a session and has none yet.
  func isWaiting(_ module: Address) -> Bool { turns[module] != nil }

  mutating func leave(_ module: Address) {
    guard let place = places.removeValue(forKey: module) else { return }
    change(place) { $0.leave(module) }
  }

  /// One that still waits does so no longer.
  mutating func withdraw(_ module: Address) {
    guard let turn = turns.removeValue(forKey: module) else { return }
    turn.resume(returning: false)
    leave(module)
  }

  /// Nobody may use the adapter while it is switched: neither those that name it nor those that take any (`nil`). One at a time.
  mutating func enterAlone(_ adapter: String?, turn: CheckedContinuation<Bool, Never>) {
    guard alone == nil else { return next.append((adapter, turn)) }
    let held: Set<String?> = adapter == nil ? Set(pools.keys).union([nil]) : [adapter, nil]
    alone = Alone(held: held, missing: held, turn: turn)
    for key in held { change(key) { $0.askAlone() } }
  }

  /// It is over.
  mutating func leaveAlone() {
    guard let ended = alone else { return }
    alone = nil
    ended.turn?.resume(returning: false)
    for key in ended.held { change(key) { $0.leaveAlone() } }
    guard !next.isEmpty else { return }
    let following = next.removeFirst()
    enterAlone(following.adapter, turn: following.turn)
  }

  /// None of those who wait to be alone does so any longer.
  mutating func withdrawAlone() {
    for (_, turn) in next { turn.resume(returning: false) }
    next = []
    if alone?.turn != nil { leaveAlone() }
  }

  private mutating func change(_ key: String?, _ body: (inout AdapterPool) -> Void) {
    var pool = pools[key] ?? AdapterPool()
    if pools[key] == nil { pool.resize(sessions: settings.sessions, failingSessions: settings.failingSessions) }
    body(&pool)
    let admission = pool.admit()
    pools[key] = pool
    for module in admission.modules { turns.removeValue(forKey: module)?.resume(returning: true) }
    guard admission.alone else { return }
    alone?.missing.remove(key)
    guard alone?.missing.isEmpty == true else { return }
    alone?.turn?.resume(returning: true)
    alone?.turn = nil
  }
}
