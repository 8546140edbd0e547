/// What a device whose profile is `auto` was found to be.
package struct Identity: Equatable, Sendable, Codable {
  /// A profile's name, never `auto`.
  package var profile: String
  package var confidence: Confidence

  package init(profile: String, confidence: Confidence) {
    self.profile = profile
    self.confidence = confidence
  }
}

/// By what it was told which profile a device has.
package enum Confidence: String, Codable, Sendable {
  /// The advertised name is one that only this family has.
  case name
  /// The model register is this family's, or its text is.
  case model
  /// It answers registers of this family's, and that is all.
  case guess
}
