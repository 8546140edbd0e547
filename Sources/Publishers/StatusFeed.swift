import NIOCore
import Policy
import Readings
import Synchronization

/// The fleet's status for those who look on, as server-sent events: the newest whenever it changes, at most once a second. Nothing
/// queues: who is slow misses what is old.
final class StatusFeed: Sendable {
  static let maxSeats = 32
  /// Of one place.
  static let maxSeatsOfOne = 12
  static let pause = Duration.seconds(1)
  /// So often something is said, that whoever has gone is noticed on the way.
  static let heartbeat = Duration.seconds(15)

  private struct Seat {
    var place: ClientPlace
    var continuation: AsyncStream<ByteBuffer>.Continuation
    /// A status.
    var hasHeard = false
  }

  private struct State {
    var seats: [Int: Seat] = [:]
    var next = 0
  }

  private let state = Mutex(State())
  private let share = PlaceShare(most: maxSeatsOfOne)

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

  /// Why somebody cannot listen, as a sentence.
  struct Refusal: Error { var sentence: String }

  /// - Parameters:
  ///   - place: whence he listens.
  ///   - status: what it is now.
  func join(
    from place: ClientPlace, _ status: @Sendable () async -> FleetStatus
  ) async throws(Refusal) -> Answer.Stream {
    let (pieces, continuation) = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(1))
    guard share.take(place) else {
      throw Refusal(sentence: "\(share.most) clients listen from there already; more are not taken from one \(place.kind).")
    }
    let number = state.withLock { state -> Int? in
      guard state.seats.count < Self.maxSeats else { return nil }
      defer { state.next += 1 }
      state.seats[state.next] = Seat(place: place, continuation: continuation)
      return state.next
    }
    guard let number else {
      share.giveBack(place)
      throw Refusal(sentence: "\(Self.maxSeats) clients listen already.")
    }
    continuation.onTermination = { _ in self.leave(number) }
    guard let first = Self.event(await status()) else {
      continuation.finish()
      throw Refusal(sentence: "The status cannot be written as JSON.")
    }
    // Where it changed meanwhile, the change has been told.
    state.withLock { state in
      guard let seat = state.seats[number], !seat.hasHeard else { return }
      state.seats[number]?.hasHeard = true
      seat.continuation.yield(first)
    }
    return Answer.Stream(pieces: pieces, end: { continuation.finish() })
  }

  private func leave(_ number: Int) {
    if let seat = state.withLock({ $0.seats.removeValue(forKey: number) }) { share.giveBack(seat.place) }
  }

  func tell(_ status: FleetStatus) {
    guard state.withLock({ !$0.seats.isEmpty }) else { return }
    guard let event = Self.event(status) else {
      // Who listens would take what he has for the newest. Who comes again is told why there is none.
      for seat in state.withLock({ Array($0.seats.values) }) { seat.continuation.finish() }
      return
    }
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

  /// `nil`: it cannot be written as JSON.
  private static func event(_ status: FleetStatus) -> ByteBuffer? {
    // One line, with its end.
    guard let line = try? Wire.line(status.forOthers) else { return nil }
    var event = ByteBuffer(string: "event: status\ndata: ")
    event.writeBytes(line)
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
