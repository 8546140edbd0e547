/// What a device answered in one session: runs of words, each of one whole, checked reply.
package struct Answers: Equatable, Sendable {
  package struct Run: Equatable, Sendable {
    package var register: UInt16
    package var words: [UInt16]
  }

  package private(set) var runs: [Run] = []

  package init() {}

  package init(_ runs: [UInt16: [UInt16]]) {
    for (register, words) in runs.sorted(by: { $0.key < $1.key }) { note(register, words) }
  }

  package mutating func note(_ register: UInt16, _ words: [UInt16]) { runs.append(Run(register: register, words: words)) }

  package var isEmpty: Bool { runs.isEmpty }

  /// `count` words from `register`, of the latest reply that holds them whole: halves of two replies are of two moments.
  package func words(_ register: UInt16, count: Int) -> ArraySlice<UInt16>? {
    for run in runs.reversed() {
      let start = Int(register) - Int(run.register)
      if start >= 0, start + count <= run.words.count { return run.words[start..<start + count] }
    }
    return nil
  }
}
