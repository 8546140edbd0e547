import FoundationEssentials
import MQTT
import Readings

/// What of a gateway or one of its devices stands at the broker, kept over restarts: what is not to be there any more is taken away.
struct PublishedTopics: Equatable, Sendable, Codable {
  var topics: Set<String> = []
  /// `nil`: the gateway.
  var announcement: Announcement?
  /// Of the gateway's own: its name. What another one has said is not this one's to take away.
  var gateway: String?

  /// The name of the gateway's own.
  static let gatewayKey = "gateway"

  /// Sorted, so that the same is the same text.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(topics.sorted(), forKey: .topics)
    try fields.encodeIfPresent(announcement, forKey: .announcement)
    try fields.encodeIfPresent(gateway, forKey: .gateway)
  }

  private enum CodingKeys: String, CodingKey { case topics, announcement, gateway }
}
