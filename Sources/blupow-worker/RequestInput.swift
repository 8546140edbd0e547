import Glibc
import Readings

/// The request line on standard input: bounded in length and in time.
struct RequestInput {
  /// A supervisor writes it at once.
  static let patience = Duration.seconds(5)

  let stop: Int32

  /// - Parameter knowing: told the poll's id as soon as it can be read, so that a refusal can carry it.
  func read(knowing: (String) -> Void) throws -> Request {
    var splitter = LineSplitter(maxLine: Wire.maxLineBytes, maxTotal: Wire.maxLineBytes * 2)
    var line: [UInt8]?
    let deadline = ContinuousClock.now + Self.patience
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while line == nil {
      var polled = [
        pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0), pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
      ]
      let left = deadline - .now
      guard left > .zero else {
        throw FailureReport(.badRequest, at: .start, "No request line came within \(Self.patience.shortSeconds).")
      }
      guard poll(&polled, 2, Int32(left.milliseconds) + 1) > 0 else { continue }
      if polled[1].revents != 0 { throw Stopped() }
      let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
      guard count > 0 else {
        let what =
          splitter.remainder.isEmpty ? "Standard input ended without a request line." : "Standard input ended within a line."
        throw FailureReport(.badRequest, at: .start, what)
      }
      do {
        try splitter.feed(chunk[..<count]) { if line == nil { line = $0 } }
      } catch  where line == nil {
        throw FailureReport(.requestTooLong, at: .start, "The request is longer than \(Wire.maxLineBytes) bytes.")
      } catch {}
    }
    if let poll = Request.poll(of: line ?? []) { knowing(poll) }
    return try Request.parse(line ?? [])
  }
}
