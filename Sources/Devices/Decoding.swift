package import Readings

/// What the answered blocks of one device say.
package struct Decoding: Equatable, Sendable {
  package var readings: [String: Reading] = [:]
  /// Keys whose value cannot be.
  package var implausible: [String] = []
  /// Keys that keep the register's sign, because the model's convention is not known.
  package var rawSign: [String] = []
  /// Keys that were computed from others.
  package var derived: [String] = []
  /// Keys that count for a lifetime.
  package var counters: [String] = []
  package var days: [DayReadings] = []
  package var model: String?

  package init(model: String? = nil) { self.model = model }

  /// A number that was read; none of another kind.
  package func number(_ key: String) -> Double? {
    guard case .number(let number) = readings[key]?.value else { return nil }
    return number
  }

  /// Adds a value that was computed, where it can be.
  package mutating func derive(_ field: Field, _ value: Double?) {
    guard let value, readings[field.key] == nil else { return }
    let scale = [1.0, 10, 100, 1000][field.coding.decimals]
    let rounded = (value * scale).rounded() / scale
    if let plausible = field.plausible, !plausible.contains(rounded) { return implausible.append(field.key) }
    readings[field.key] = Reading(.number(rounded), unit: field.unit)
    derived.append(field.key)
  }

  package mutating func derive(_ field: Field, _ text: String?) {
    guard let text, readings[field.key] == nil else { return }
    readings[field.key] = Reading(.text(text))
    derived.append(field.key)
  }
}
