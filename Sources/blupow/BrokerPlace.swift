import ArgumentParser
import MQTT
import Publishers

/// `HOST:PORT` or `HOST` of a broker, as typed.
struct BrokerPlace: ExpressibleByArgument, Equatable {
  private let host: String
  private let port: Int

  init?(argument: String) {
    // [::1]:1883
    let isBracketed = argument.hasPrefix("[")
    let parts = argument.split(separator: isBracketed ? "]" : ":", omittingEmptySubsequences: false).map(String.init)
    guard (1...2).contains(parts.count) else { return nil }
    host = isBracketed ? String(parts[0].dropFirst()) : parts[0]
    let port = parts.count == 2 ? (isBracketed ? String(parts[1].dropFirst(parts[1].hasPrefix(":") ? 1 : 0)) : parts[1]) : ""
    let isWithout = parts.count == 1 || (isBracketed && parts[1].isEmpty)
    guard !host.isEmpty, let number = isWithout ? 1883 : Int(port), (1...65_535).contains(number) else { return nil }
    self.port = number
  }

  /// With all defaults.
  var settings: MQTTSettings {
    guard let base = TopicName("blupow"), let prefix = TopicName("homeassistant") else {
      preconditionFailure("two words are topics")
    }
    return MQTTSettings(broker: BrokerSettings(host: host, port: port, clientID: ""), base: base, prefix: prefix)
  }
}
