import Readings

/// A link that tells what goes by. It changes nothing: what it wraps sends, receives and throws as ever.
package struct RecordingLink<L: Link>: Link {
  private let link: L
  private let start: ContinuousClock.Instant
  private let note: (Transcript.Line) -> Void

  /// - Parameters:
  ///   - start: what times are counted from.
  ///   - note: told of a frame before it is sent, so that a send that never returns is seen, and of a chunk when it has come.
  package init(_ link: L, since start: ContinuousClock.Instant, _ note: @escaping (Transcript.Line) -> Void) {
    self.link = link
    self.start = start
    self.note = note
  }

  package func send(_ frame: [UInt8]) throws {
    note(Transcript.Line(at: start.duration(to: .now), .tx, frame))
    try link.send(frame)
  }

  package func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]? {
    guard let chunk = try link.receive(until: deadline) else { return nil }
    note(Transcript.Line(at: start.duration(to: .now), .rx, chunk))
    return chunk
  }
}
