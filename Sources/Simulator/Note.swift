/// One line of the journal.
package struct Note: Equatable, Sendable {
  package var at: Duration
  package var saw: String
  package var fields: [String: JSON]

  package init(at: Duration, _ saw: String, _ fields: [String: JSON] = [:]) {
    self.at = at
    self.saw = saw
    self.fields = fields
  }

  package var json: JSON {
    let milliseconds = at.components.seconds * 1000 + at.components.attoseconds / 1_000_000_000_000_000
    return .object(fields.merging(["t_ms": .int(Int(milliseconds)), "saw": .string(saw)]) { field, _ in field })
  }
}
