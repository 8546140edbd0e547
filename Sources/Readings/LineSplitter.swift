/// Cuts a byte stream into lines at `\n` and nowhere else, in bounded memory: JSON strings may hold every other line break.
package struct LineSplitter: Sendable {
  /// A line, or the whole stream, was over its limit. What came before it has been handed out.
  package enum Overflow: Error, Equatable, Sendable {
    case line(limit: Int)
    case total(limit: Int)
  }

  private let maxLine: Int
  private let maxTotal: Int
  private var total = 0
  private var partial: [UInt8] = []

  package init(maxLine: Int, maxTotal: Int) {
    self.maxLine = maxLine
    self.maxTotal = maxTotal
  }

  /// The complete lines that `bytes` brings, without their newlines; the rest is kept for the next call.
  package mutating func feed(_ bytes: some Collection<UInt8>, line: ([UInt8]) -> Void) throws(Overflow) {
    total += bytes.count
    var rest = bytes[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      partial.append(contentsOf: rest[..<end])
      if partial.count > maxLine { throw .line(limit: maxLine) }
      if total > maxTotal { throw .total(limit: maxTotal) }
      let whole = partial
      partial.removeAll(keepingCapacity: true)
      line(whole)
      rest = rest[rest.index(after: end)...]
    }
    partial.append(contentsOf: rest)
    if partial.count > maxLine { throw .line(limit: maxLine) }
    if total > maxTotal { throw .total(limit: maxTotal) }
  }

  /// What stands after the last newline: half a line when the stream ends here.
  package var remainder: [UInt8] { partial }
}
