import Synchronization

/// Tells everyone who listens that something has changed. Who is slow misses only what is old.
final class Changes: Sendable {
  private struct State: Sendable {
    var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
    var next = 0
    var isOver = false
  }

  private let state = Mutex(State())

  /// Begins with one at once; ends when nothing changes any more.
  func listen() -> AsyncStream<Void> {
    let (stream, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state -> Int? in
      guard !state.isOver else { return nil }
      defer { state.next += 1 }
      state.listeners[state.next] = listener
      return state.next
    }
    listener.yield()
    guard let number else {
      listener.finish()
      return stream
    }
    listener.onTermination = { _ in self.leave(number) }
    return stream
  }

  func yield() {
    for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
  }

  func finish() {
    let listeners = state.withLock { state in
      state.isOver = true
      return Array(state.listeners.values)
    }
    for listener in listeners { listener.finish() }
  }

  private func leave(_ number: Int) {
    state.withLock { _ = $0.listeners.removeValue(forKey: number) }
  }
}
