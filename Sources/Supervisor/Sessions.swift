import Policy
import Readings

/// The modules that wait for their turn on an adapter, and how to tell them. Part of the gateway's state.
struct Sessions {
  /// By adapter; modules without one share a pool.
  private var pools: [String?: AdapterPool] = [:]
  private var turns: [Address: CheckedContinuation<Bool, Never>] = [:]

  mutating func enter(
    _ module: Address, adapter: String?, due: Instant, isFailing: Bool, turn: CheckedContinuation<Bool, Never>
  ) {
    turns[module] = turn
    pools[adapter, default: AdapterPool()].ask(module, due: due, isFailing: isFailing)
    admit(adapter)
  }

  mutating func leave(_ module: Address, adapter: String?) {
    pools[adapter]?.leave(module)
    admit(adapter)
  }

  /// One that still waits does so no longer.
  mutating func withdraw(_ module: Address, adapter: String?) {
    guard let turn = turns.removeValue(forKey: module) else { return }
    turn.resume(returning: false)
    leave(module, adapter: adapter)
  }

  private mutating func admit(_ adapter: String?) {
    for module in pools[adapter]?.admit() ?? [] { turns.removeValue(forKey: module)?.resume(returning: true) }
  }
}
