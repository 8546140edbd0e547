import FoundationEssentials

/// A JSON document without any of our types: equal where the same was said, in whatever order.
enum JSON: Equatable, Decodable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  init(_ bytes: some Sequence<UInt8>) throws {
    self = try JSONDecoder().decode(JSON.self, from: Data(bytes))
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSON].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSON].self))
    }
  }

  /// The member at that path, or `null`.
  subscript(_ path: String...) -> JSON {
    path.reduce(self) { place, key in if case .object(let members) = place { members[key] ?? .null } else { .null } }
  }

  /// The strings of an array; empty where it is none.
  var words: [String] {
    guard case .array(let elements) = self else { return [] }
    return elements.compactMap { if case .string(let word) = $0 { word } else { nil } }
  }
}
