import NIOCore
import Policy
import Readings
import Synchronization

/// The fleet's status for those who look on, as server-sent events: the newest whenever it changes, at most once a second. Nothing
/// queues: who is slow misses what is old.
final class StatusFeed: Sendable {
  static let maxSeats = 32
  static let pause = Duration.seconds(1)
  /// So often something is said, that whoever has gone is noticed on the way.
  static let heartbeat = Duration.seconds(15)

  private struct Seat {
    var continuation: AsyncStream<ByteBuffer>.Continuation
    /// A status.
    var hasHeard = false
  }

  private struct State {
    var seats: [Int: Seat] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  /// Until cancelled.
  func run(_ statuses: any AsyncSequence<FleetStatus, Never> & Sendable) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await status in statuses {
          self.tell(status)
          guard (try? await Task.sleep(for: Self.pause, clock: .continuous)) != nil else { return }
        }
      }
      group.addTask {
        while (try? await Task.sleep(for: Self.heartbeat, clock: .continuous)) != nil { self.beat() }
      }
    }
  }

  /// - Parameter status: what it is now.
  /// - Returns: `nil`: every seat is taken.
  func join(_ status: @Sendable () async -> FleetStatus) async -> Answer.Stream? {
    let (pieces, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state -> Int? in
      guard state.seats.count < Self.maxSeats else { return nil }
      defer { state.next += 1 }
      state.seats[state.next] = Seat(continuation: continuation)
      return state.next
    }
    guard let number else { return nil }
    continuation.onTermination = { _ in self.leave(number) }
    let first = Self.event(await status())
    // Where it changed meanwhile, the change has been told.
    state.withLock { state in
      guard let seat = state.seats[number], !seat.hasHeard else { return }
      state.seats[number]?.hasHeard = true
      seat.continuation.yield(first)
    }
    return Answer.Stream(pieces: pieces, end: { continuation.finish() })
  }

  private func leave(_ number: Int) {
    state.withLock { _ = $0.seats.removeValue(forKey: number) }
  }

  func tell(_ status: FleetStatus) {
    guard state.withLock({ !$0.seats.isEmpty }) else { return }
    let event = Self.event(status)
    state.withLock { state in
      for number in state.seats.keys {
        state.seats[number]?.hasHeard = true
        state.seats[number]?.continuation.yield(event)
      }
    }
  }

  /// A status that waits to be taken is worth more.
  func beat() {
    state.withLock { state in
      for seat in state.seats.values {
        if case .dropped(let waiting) = seat.continuation.yield(Self.comment) { seat.continuation.yield(waiting) }
      }
    }
  }

  private static let comment = ByteBuffer(string: ":\n\n")

  private static func event(_ status: FleetStatus) -> ByteBuffer {
    var event = ByteBuffer(string: "event: status\ndata: ")
    // One line, with its end.
    event.writeBytes((try? Wire.line(status.forOthers)) ?? Array("{}\n".utf8))
    event.writeString("\n")
    return event
  }
}

extension FleetStatus {
  /// What other hosts may know: not where this one keeps what.
  var forOthers: FleetStatus {
    var fleet = self
    fleet.places = nil
    return fleet
  }
}
