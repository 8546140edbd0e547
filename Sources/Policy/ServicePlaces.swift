/// Where a service publishes and keeps what it knows. Everybody on its host may read it: no login is in it.
package struct ServicePlaces: Equatable, Sendable {
  /// The MQTT broker's host and port; `nil`: none is used.
  package var broker: String?
  /// `nil`: nothing is kept.
  package var stateDirectory: String?

  package init(broker: String? = nil, stateDirectory: String? = nil) {
    self.broker = broker
    self.stateDirectory = stateDirectory
  }
}
