/// Standard error as lines: each cut at a limit, and after a total said once that the rest is dropped. Never an error.
struct ErrorLines: Sendable {
  private let maxLine: Int
  private let maxTotal: Int
  private var total = 0
  private var partial: [UInt8] = []
  private var saidDropped = false

  init(maxLine: Int, maxTotal: Int) {
    self.maxLine = maxLine
    self.maxTotal = maxTotal
  }

  mutating func feed(_ bytes: ArraySlice<UInt8>, line: (String) -> Void) {
    for byte in bytes {
      total += 1
      guard total <= maxTotal else {
        finish(line: line)
        if !saidDropped { line("(more than \(maxTotal) bytes of standard error: the rest is dropped)") }
        saidDropped = true
        return
      }
      if byte == UInt8(ascii: "\n") {
        line(String(decoding: partial, as: UTF8.self))
        partial.removeAll(keepingCapacity: true)
      } else if partial.count < maxLine {
        partial.append(byte)
      }
    }
  }

  /// The half line at the end.
  mutating func finish(line: (String) -> Void) {
    if !partial.isEmpty { line(String(decoding: partial, as: UTF8.self)) }
    partial.removeAll()
  }
}
