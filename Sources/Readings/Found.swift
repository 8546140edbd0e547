import FoundationEssentials

/// A device that answers behind a module.
package struct Found: Equatable, Sendable, Codable {
  /// The Modbus unit that answers.
  package var unit: UInt8
  package var profile: String
  package var confidence: Confidence
  package var model: String?

  package init(unit: UInt8, profile: String, confidence: Confidence, model: String? = nil) {
    self.unit = unit
    self.profile = profile
    self.confidence = confidence
    self.model = model
  }
}
