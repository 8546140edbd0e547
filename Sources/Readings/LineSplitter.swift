/// Cuts a byte stream into lines at `\n` and nowhere else, in bounded memory: JSON strings may hold every other line break.
package struct LineSplitter: Sendable {
  /// A line, or the whole stream, was over its limit. What came before it has been handed out; nothing that comes after it is
  /// taken.
  package enum Overflow: Error, Equatable, Sendable {
    case line(limit: Int)
    case total(limit: Int)
  }

  /// Bytes of a line without its newline.
  private let maxLine: Int
  /// Bytes of the stream, newlines included.
  private let maxTotal: Int
  private var total = 0
  private var partial: [UInt8] = []
  private var overflow: Overflow?

  package init(maxLine: Int, maxTotal: Int) {
    self.maxLine = maxLine
    self.maxTotal = maxTotal
  }

  /// The complete lines that `bytes` brings, without their newlines; the rest is kept for the next call. How the stream is cut
  /// into calls changes neither the lines nor the error. After an error every call throws the same one again.
  package mutating func feed(_ bytes: some Collection<UInt8>, line: ([UInt8]) -> Void) throws(Overflow) {
    if let overflow { throw overflow }
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      try take(rest[..<end], newline: 1)
      let whole = partial
      partial.removeAll(keepingCapacity: true)
      line(whole)
      rest = rest[rest.index(after: end)...]
    }
    try take(rest, newline: 0)
  }

  /// What stands after the last newline: half a line when the stream ends here.
  package var remainder: [UInt8] { partial }

  private mutating func take(_ bytes: some Collection<UInt8>, newline: Int) throws(Overflow) {
    // Before the bytes are kept, so that no size of chunk can make this grow.
    if partial.count + bytes.count > maxLine { try refuse(.line(limit: maxLine)) }
    if total + bytes.count + newline > maxTotal { try refuse(.total(limit: maxTotal)) }
    total += bytes.count + newline
    partial.append(contentsOf: bytes)
  }

  private mutating func refuse(_ error: Overflow) throws(Overflow) {
    partial = []
    overflow = error
    throw error
  }
}
