import Readings

/// What is wrong with a set-up or a command, as a sentence that names the place.
package struct Mistake: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// One JSON object being read: what was not asked for when reading is over is an unknown key.
struct Fields {
  let place: String
  private var left: [String: JSON]

  init(_ json: JSON, at place: String) throws(Mistake) {
    guard case .object(let fields) = json else { throw Mistake("\(place) must be an object") }
    self.place = place
    left = fields
  }

  func name(_ key: String) -> String { place == "set-up" ? key : "\(place).\(key)" }

  mutating func take(_ key: String) -> JSON? { left.removeValue(forKey: key) }

  mutating func text(_ key: String) throws(Mistake) -> String? {
    guard let value = take(key) else { return nil }
    guard let text = value.text, !text.utf8.contains(0) else { throw Mistake("\(name(key)) must be a text") }
    return text
  }

  /// A D-Bus error name: an illegal one could not be sent.
  mutating func errorName(_ key: String) throws(Mistake) -> String? {
    guard let text = try text(key) else { return nil }
    let elements = text.split(separator: ".", omittingEmptySubsequences: false)
    let legal = elements.allSatisfy { element in
      element.first?.isNumber == false && element.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }
    guard elements.count > 1, legal, text.utf8.count < 256 else {
      throw Mistake("\(name(key)): '\(text.prefix(40))' is not a D-Bus error name")
    }
    return text
  }

  mutating func needText(_ key: String) throws(Mistake) -> String {
    guard let text = try text(key) else { throw Mistake("\(name(key)) is missing") }
    return text
  }

  mutating func flag(_ key: String) throws(Mistake) -> Bool? {
    guard let value = take(key) else { return nil }
    guard let flag = value.flag else { throw Mistake("\(name(key)) must be true or false") }
    return flag
  }

  mutating func number(_ key: String, in range: ClosedRange<Int>) throws(Mistake) -> Int? {
    guard let value = take(key) else { return nil }
    guard let number = value.number, range.contains(number) else {
      throw Mistake("\(name(key)) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// An hour at most: longer is a slip of units.
  mutating func milliseconds(_ key: String) throws(Mistake) -> Duration? {
    try number(key, in: 0...3_600_000).map { .milliseconds($0) }
  }

  mutating func list(_ key: String) throws(Mistake) -> [JSON]? {
    guard let value = take(key) else { return nil }
    guard let elements = value.elements else { throw Mistake("\(name(key)) must be a list") }
    return elements
  }

  mutating func address(_ key: String) throws(Mistake) -> Address {
    let text = try needText(key)
    guard let address = Address(text) else {
      throw Mistake("\(name(key)): '\(text.prefix(40))' is not a Bluetooth address like D8:B6:73:BF:4F:75")
    }
    return address
  }

  mutating func words(_ key: String) throws(Mistake) -> [UInt8]? {
    guard let text = try text(key) else { return nil }
    guard let bytes = Hex.bytes(text) else { throw Mistake("\(name(key)) must be hexadecimal pairs") }
    return bytes
  }

  func finish() throws(Mistake) {
    if let key = left.keys.min() { throw Mistake("\(name(key)) is not a known key") }
  }
}
