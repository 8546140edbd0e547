import FoundationEssentials

/// The worker protocol's version and limits (`protocol/README.md`).
package enum Wire {
  /// Of blupow, blupow-worker and blupow-simulator together.
  package static let release = "0.1.0"
  package static let version = 1
  /// One line, without its newline.
  package static let maxLineBytes = 65_536
  /// All that one worker may write to its standard output.
  package static let maxOutputBytes = 1_048_576
  /// Devices behind one module.
  package static let maxDevices = 16
  package static let maxNameBytes = 64
  /// Keys in one device's readings; no profile has half as many.
  package static let maxReadings = 256
  /// A controller's own record of days.
  package static let maxDays = 31
  /// One reading that is words: a list of faults can be long. Home Assistant takes no more in a state.
  package static let maxTextBytes = 255
  /// No quantity of these devices comes near it; what is larger is no measurement.
  package static let maxMagnitude = 1e12

  /// One JSON document as a line, with its newline. Keys are sorted, so that equal values give equal bytes.
  package static func line(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(value)) + [UInt8(ascii: "\n")]
  }

  package static func decode<T: Decodable>(_ type: T.Type, from line: [UInt8]) throws -> T {
    try JSONDecoder().decode(type, from: Data(line))
  }

  /// What a decoding error says to a person: the field's path and what is wrong with it.
  package static func explain(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    func path(_ context: DecodingError.Context) -> String {
      let text = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
      return text.isEmpty ? "" : "\(text.drop { $0 == "." }): "
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(path(context))`\(key.stringValue)` is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return "\(path(context))\(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }
}
