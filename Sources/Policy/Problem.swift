package import FoundationEssentials
package import Readings

/// Something wrong that is no single poll's failure, and lasts.
package struct Problem: Equatable, Sendable {
  package enum Name: String, Codable, Sendable, CaseIterable {
    /// After a killed worker its link could not be freed.
    case releaseFailed = "release_failed"
    /// Another program on this host takes the module again and again; it is left alone.
    case inUse = "in_use"
    /// The module fails and fails, and is polled as rarely as ever.
    case moduleFailing = "module_failing"
    /// The bus or bluetoothd are missing or do not answer.
    case busAway = "bus_away"
    /// The adapter is missing, off, or has no room.
    case adapterAway = "adapter_away"
    /// An adapter on which nothing works could not be switched off and on.
    case resetFailed = "reset_failed"
    /// A worker did not end after SIGKILL.
    case workerAbandoned = "worker_abandoned"
    /// A module's workers leave processes of their own, which are killed. No worker has business with such: a bug of ours.
    case workerStrays = "worker_strays"
    /// What must survive a restart cannot be written.
    case storeFailed = "store_failed"
    /// The history cannot be written.
    case historyFailed = "history_failed"
    /// There is no connection to the MQTT broker.
    case brokerAway = "broker_away"
    /// The MQTT broker does not take messages.
    case brokerRefuses = "broker_refuses"
    /// Nobody can be answered over TCP.
    case httpFailed = "http_failed"
    /// The configuration could not be reloaded; the old one is in force.
    case configRefused = "config_refused"
  }

  package var name: Name
  /// Of the module, where it is one's.
  package var address: Address?
  /// Of the adapter, where it is one's.
  package var adapter: String?
  package var message: String
  package var advice: String
  /// By the wall clock, for people.
  package var since: Date?

  package init(
    _ name: Name, address: Address? = nil, adapter: String? = nil, message: String, advice: String, since: Date? = nil
  ) {
    self.name = name
    self.address = address
    self.adapter = adapter
    self.message = message
    self.advice = advice
    self.since = since
  }

  /// Whose problem it is, for a sentence's beginning.
  package var subject: String { address.map(\.text) ?? adapter ?? "BluPow" }
}

extension Problem: Codable {
  private enum Key: String, CodingKey { case name, address, adapter, message, advice, since }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    name = try fields.decode(Name.self, forKey: .name)
    address = try fields.decodeIfPresent(Address.self, forKey: .address)
    adapter = try fields.decodeIfPresent(String.self, forKey: .adapter)
    message = try fields.decode(String.self, forKey: .message)
    advice = try fields.decode(String.self, forKey: .advice)
    since = try fields.decodeIfPresent(String.self, forKey: .since).map { try Date(rfc3339: $0) }
  }

  /// Every key is always there.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(address, forKey: .address)
    try fields.encode(adapter, forKey: .adapter)
    try fields.encode(message, forKey: .message)
    try fields.encode(advice, forKey: .advice)
    try fields.encode(since?.rfc3339, forKey: .since)
  }
}
