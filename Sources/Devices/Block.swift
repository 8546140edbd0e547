/// Registers that are read in one request.
package struct Block: Sendable {
  package enum Need: Sendable {
    /// Without it the device failed.
    case required
    /// A model may lack it; its silence is no failure.
    case optional
  }

  package var register: UInt16
  package var words: UInt16
  package var need: Need
  package var fields: [Field]

  package init(_ register: UInt16, _ words: UInt16, _ need: Need, _ fields: [Field]) {
    self.register = register
    self.words = words
    self.need = need
    self.fields = fields
  }

  /// `4311/8`: the block's name in requests and notes.
  package var name: String { "\(register)/\(words)" }

  /// The words of one field within this block's; empty where the block does not hold it whole.
  package func words(of field: Field, in words: [UInt16]) -> ArraySlice<UInt16> {
    let start = Int(field.register) - Int(register)
    guard start >= 0, start + field.words <= words.count else { return [] }
    return words[start..<start + field.words]
  }
}
