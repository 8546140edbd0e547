package import Readings

/// What the answered blocks of one device say.
package struct Decoding: Equatable, Sendable {
  package var readings: [String: Reading] = [:]
  /// Keys whose value cannot be.
  package var implausible: [String] = []
  /// Keys that keep the register's sign, because the model's convention is not known.
  package var rawSign: [String] = []
  package var model: String?

  package init(model: String? = nil) { self.model = model }
}
