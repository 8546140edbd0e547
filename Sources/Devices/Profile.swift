import Readings

/// What a family of devices answers: the pages of its manual and how to ask for them.
package struct Profile: Sendable {
  package var name: String
  /// Asked where no unit is configured; then, where that is silent, `otherUnit` once.
  package var unit: UInt8
  package var otherUnit: UInt8?
  /// How long one reply may take.
  package var replyTimeout: Duration
  /// Required blocks first.
  package var blocks: [Block]

  package static let all: [Profile] = [.inverter]

  package static func named(_ name: String) -> Profile? { all.first { $0.name == name } }

  package var fields: [Field] { blocks.flatMap(\.fields) }

  package func field(_ key: String) -> Field? { fields.first { $0.key == key } }

  /// Values and notes of what the blocks answered, by block name.
  package func decode(_ answers: [String: [UInt16]], model known: String?) -> Decoding {
    var decoding = Decoding(model: known)
    if let page = field("model"), let words = raw(page, in: answers),
      case .reading(let reading, _) = page.decode(words, model: nil),
      case .text(let model) = reading.value
    {
      decoding.model = model
    }
    for block in blocks {
      guard let words = answers[block.name] else { continue }
      for field in block.fields {
        switch field.decode(block.words(of: field, in: words), model: decoding.model) {
        case .reading(let reading, let hasRawSign):
          decoding.readings[field.key] = reading
          if hasRawSign { decoding.rawSign.append(field.key) }
        case .implausible: decoding.implausible.append(field.key)
        case .missing: break
        }
      }
    }
    return decoding
  }

  private func raw(_ field: Field, in answers: [String: [UInt16]]) -> ArraySlice<UInt16>? {
    for block in blocks where block.fields.contains(where: { $0.key == field.key }) {
      if let words = answers[block.name] { return block.words(of: field, in: words) }
    }
    return nil
  }
}
