/// Registers that are read in one request.
package struct Block: Equatable, Sendable {
  package enum Need: Sendable {
    /// Without it the device failed.
    case required
    /// A model may lack it; its silence is no failure.
    case optional
  }

  package var register: UInt16
  package var words: UInt16
  package var need: Need
  /// Asked only where that other block is known not to be answered.
  package var insteadOf: String?

  package init(_ register: UInt16, _ words: UInt16, _ need: Need, insteadOf: String? = nil) {
    self.register = register
    self.words = words
    self.need = need
    self.insteadOf = insteadOf
  }

  /// `4311/8`: the block's name in requests and notes.
  package var name: String { "\(register)/\(words)" }

  /// Whether it is to be asked for, where those others are not.
  package func isWanted(skipping skipped: [String]) -> Bool {
    if need == .required { return true }
    return !skipped.contains(name) && insteadOf.map(skipped.contains) ?? true
  }
}
