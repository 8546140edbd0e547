/// Finds live frames in what a shunt pushes, however it is cut. Bounded: what cannot begin a frame is dropped.
package struct ShuntStream: Sendable {
  /// Some frames; of what does not fit the older part goes, all of it: pieces that were not neighbours make no frame.
  package static let limit = 1024

  private var buffer: [UInt8] = []

  package init() {}

  /// Takes a chunk. The frame, once it is whole; or what was wrong with one.
  package mutating func append(_ chunk: [UInt8]) -> Result<ShuntFrame, ShuntFrame.Fault>? {
    if buffer.count + chunk.count > Self.limit { buffer = [] }
    buffer += chunk.suffix(Self.limit)
    seek()
    // A frame that another one begins in was cut short: its end is the other's.
    if let next = beginning(from: 1, before: ShuntFrame.length) {
      buffer.removeFirst(next)
      seek()
      return .failure(.truncated(got: next))
    }
    guard buffer.count >= ShuntFrame.length else { return nil }
    defer {
      // A refused one may have the true one's header within it.
      buffer.removeFirst(ShuntFrame.header.count)
      seek()
    }
    return Result { () throws(ShuntFrame.Fault) in try ShuntFrame(buffer) }
  }

  /// Where in that range a frame begins, of live values or of history.
  private func beginning(from first: Int, before end: Int) -> Int? {
    let common = ShuntFrame.header.dropLast()
    return (first..<max(first, min(end, buffer.count - common.count))).first { index in
      buffer[index..<index + common.count].elementsEqual(common)
        && [ShuntFrame.header.last, ShuntFrame.history].contains(buffer[index + common.count])
    }
  }

  /// What came of a frame that was not finished.
  package var rest: [UInt8] { buffer }

  /// Drops what stands before the next header, or before what may be its beginning.
  private mutating func seek() {
    let header = ShuntFrame.header
    let start =
      buffer.indices.first { index in
        let length = min(header.count, buffer.count - index)
        return buffer[index..<index + length].elementsEqual(header.prefix(length))
      } ?? buffer.endIndex
    buffer.removeFirst(start)
  }
}
