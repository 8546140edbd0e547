/// Finds live frames in what a shunt pushes, however it is cut. Bounded: what cannot begin a frame is dropped.
package struct ShuntStream: Sendable {
  private var buffer: [UInt8] = []

  package init() {}

  /// Takes a chunk. The frame, once it is whole; or what was wrong with one.
  package mutating func append(_ chunk: [UInt8]) -> Result<ShuntFrame, ShuntFrame.Fault>? {
    buffer += chunk.suffix(ShuntFrame.length * 2)
    seek()
    guard buffer.count >= ShuntFrame.length else { return nil }
    defer {
      // A refused one may have the true one's header within it.
      buffer.removeFirst(ShuntFrame.header.count)
      seek()
    }
    return Result { () throws(ShuntFrame.Fault) in try ShuntFrame(buffer) }
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
