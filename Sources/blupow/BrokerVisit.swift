import MQTT
import Publishers
import Readings

/// Logs in to the MQTT broker as a client of its own, says nothing, and goes.
struct BrokerVisit {
  static let patience = Duration.seconds(16)

  let settings: MQTTSettings
  let process: Int32

  /// `nil`: the broker let it in.
  func trouble() async -> BrokerTrouble? {
    var broker = settings.broker
    broker.clientID = "blupow-doctor-\(process)"
    let client = BrokerClient(broker)
    client.start()
    let end = ContinuousClock.now + Self.patience
    while client.standing.link == .connecting, .now < end, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(20)) }
    let link = client.standing.link
    await client.end(within: link == .connected ? .seconds(1) : .zero)
    switch link {
    case .connected: return nil
    case .away(let trouble): return trouble
    case .connecting:
      return BrokerTrouble(
        "The MQTT broker at \(broker.place) did not answer within \(Self.patience.shortSeconds).",
        advice: "Check mqtt.host, mqtt.port and the network.")
    }
  }
}

extension Finding {
  /// - Parameter trouble: `nil`: it let us in.
  static func broker(at settings: MQTTSettings, _ trouble: BrokerTrouble?) -> Finding {
    let place = settings.broker.place
    guard let trouble else { return .ok(.broker, "The MQTT broker at \(place) answers, and takes the login.") }
    if trouble.refusesLogin, settings.broker.username != nil, settings.broker.password == nil {
      return .unknown(
        .broker, "The MQTT broker at \(place) answers; its login cannot be tried without the password.",
        advice:
          "Where systemd hands it to the service (LoadCredential=), only that has it: `systemctl start blupow`, then ask again.")
    }
    let (host, port) = (settings.broker.host, settings.broker.port)
    return .fault(
      .broker, trouble.message,
      advice: "\(trouble.advice) `mosquitto_pub -h \(host) -p \(port) -t blupow-test -m hello -d` tries it by hand.")
  }
}
