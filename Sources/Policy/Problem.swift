import FoundationEssentials
package import Readings

/// Something wrong that is no single poll's failure, and lasts.
package struct Problem: Equatable, Sendable, Codable {
  package enum Name: String, Codable, Sendable {
    /// After a killed worker its link could not be freed.
    case releaseFailed = "release_failed"
  }

  package var name: Name
  package var address: Address
  package var message: String
  package var advice: String

  package init(_ name: Name, address: Address, message: String, advice: String) {
    self.name = name
    self.address = address
    self.message = message
    self.advice = advice
  }
}
