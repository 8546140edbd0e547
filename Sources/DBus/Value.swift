/// One D-Bus value. `ay` is `.bytes`, because it is what a characteristic carries.
package indirect enum Value: Equatable, Sendable {
  case byte(UInt8)
  case bool(Bool)
  case int16(Int16)
  case uint16(UInt16)
  case int32(Int32)
  case uint32(UInt32)
  case int64(Int64)
  case uint64(UInt64)
  case double(Double)
  case string(String)
  case objectPath(String)
  case signature(String)
  case bytes([UInt8])
  /// `signature` is the element's.
  case array(signature: String, [Value])
  /// `signature` is the entry's two, e.g. `sv`.
  case dictionary(signature: String, [Entry])
  case structure([Value])
  case variant(Value)

  package struct Entry: Equatable, Sendable {
    package var key: Value
    package var value: Value

    package init(_ key: Value, _ value: Value) {
      self.key = key
      self.value = value
    }
  }

  /// `a{sv}` from plain values.
  package static func properties(_ properties: [String: Value]) -> Value {
    .dictionary(
      signature: "sv", properties.sorted { $0.key < $1.key }.map { Entry(.string($0.key), .variant($0.value)) })
  }

  /// The D-Bus signature of this value.
  package var typeSignature: String {
    switch self {
    case .byte: "y"
    case .bool: "b"
    case .int16: "n"
    case .uint16: "q"
    case .int32: "i"
    case .uint32: "u"
    case .int64: "x"
    case .uint64: "t"
    case .double: "d"
    case .string: "s"
    case .objectPath: "o"
    case .signature: "g"
    case .bytes: "ay"
    case .array(let element, _): "a" + element
    case .dictionary(let entry, _): "a{" + entry + "}"
    case .structure(let members): "(" + members.map(\.typeSignature).joined() + ")"
    case .variant: "v"
    }
  }

  // MARK: - Reading

  package var asString: String? {
    switch self {
    case .string(let text), .objectPath(let text): text
    default: nil
    }
  }

  package var asBool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
  package var asBytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }

  package var asInt: Int? {
    switch self {
    case .byte(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint32(let value): Int(value)
    default: nil
    }
  }

  package var asStrings: [String]? {
    if case .array(_, let elements) = self { elements.compactMap(\.asString) } else { nil }
  }

  /// `a{s…}` or `a{o…}` by its keys; variants are opened.
  package var asDictionary: [String: Value]? {
    guard case .dictionary(_, let entries) = self else { return nil }
    var result: [String: Value] = [:]
    for entry in entries {
      guard let key = entry.key.asString else { return nil }
      if case .variant(let inner) = entry.value { result[key] = inner } else { result[key] = entry.value }
    }
    return result
  }
}
