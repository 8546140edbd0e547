import CMosquitto
import Glibc

/// Why there is no connection to the broker, as sentences for whoever must act.
package struct BrokerTrouble: Error, Equatable, Sendable {
  package var message: String
  package var advice: String
  /// The broker is well, and does not take this user or password.
  package var refusesLogin = false

  package init(_ message: String, advice: String) {
    self.message = message
    self.advice = advice
  }

  /// A call of the library's failed.
  ///
  /// - Parameters:
  ///   - code: `MOSQ_ERR_...`
  ///   - system: errno, as it was then.
  ///   - log: what the library said of it last.
  init(_ code: Int32, at broker: BrokerSettings, system: Int32, log: String?) {
    let place = broker.place
    let detail = log.map { " (\($0))" } ?? ""
    switch mosq_err_t(code) {
    case MOSQ_ERR_EAI, MOSQ_ERR_LOOKUP:
      self.init(
        "The host name of the MQTT broker, \(broker.host), is not known to this host's resolver.",
        advice: "Check mqtt.host and this host's network.")
    case MOSQ_ERR_ERRNO where system != 0:
      self.init(
        "The MQTT broker at \(place) cannot be reached: \(String(cString: strerror(system))).",
        advice: system == ECONNREFUSED
          ? "Is it running (`systemctl status mosquitto` there), and does it listen at that port? Check mqtt.host and mqtt.port."
          : "Check mqtt.host, mqtt.port and the network.")
    case MOSQ_ERR_TLS, MOSQ_ERR_TLS_HANDSHAKE, MOSQ_ERR_OCSP, MOSQ_ERR_ERRNO, MOSQ_ERR_PROTOCOL, MOSQ_ERR_INVAL,
      MOSQ_ERR_MALFORMED_PACKET:
      if broker.tls != nil {
        self.init(
          "No trusted encrypted connection to the MQTT broker at \(place)\(detail).",
          advice:
            "Check mqtt.ca_file (who signed the broker's certificate), that the certificate is for the name in mqtt.host, that mqtt.certificate_file and key_file are this client's, and that the port is the one with TLS."
        )
      } else {
        self.init(
          "What answers at \(place) does not speak MQTT as it should\(detail).",
          advice: "Check mqtt.port; a port for TLS takes mqtt.tls: true.")
      }
    case MOSQ_ERR_KEEPALIVE:
      self.init(
        "The MQTT broker at \(place) has stopped answering.", advice: "Look at the broker and at the network between.")
    case MOSQ_ERR_CONN_LOST, MOSQ_ERR_NO_CONN, MOSQ_ERR_CONN_REFUSED:
      // Of a name that is taken over brokers before MQTT 5 say nothing, and mosquitto 2.0.11 neither.
      self.init(
        "The MQTT broker at \(place) closed the connection\(detail).",
        advice:
          "Its log says why. Two gateways of one name throw each other out: give each a `gateway:` of its own.")
    default:
      self.init(
        "The connection to the MQTT broker at \(place) failed: \(String(cString: mosquitto_strerror(code)))\(detail).",
        advice: "Look at the broker and at the network between.")
    }
  }

  static func noAnswer(_ broker: BrokerSettings) -> BrokerTrouble {
    BrokerTrouble(
      "What listens at \(broker.place) does not answer as an MQTT broker.",
      advice: broker.tls == nil
        ? "Check mqtt.port; a port for TLS takes mqtt.tls: true." : "Check mqtt.port; a port without TLS takes no mqtt.tls.")
  }

  /// The broker's own word: in answer to the login, or at the end of a connection.
  ///
  /// - Parameter reason: of MQTT 5 (2.4); of 3.1.1 (3.2.2.3) in an answer to a login.
  static func refused(_ reason: Int32, by broker: BrokerSettings) -> BrokerTrouble {
    // 3.1.1's five are the same refusals by smaller numbers.
    let five: [Int32: Int32] = [1: 132, 2: 133, 3: 136, 4: 134, 5: 135]
    let reason = reason < 128 ? five[reason] ?? reason : reason
    let said = String(cString: mosquitto_reason_string(reason))
    switch reason {
    case 132:
      return BrokerTrouble(
        "The MQTT broker at \(broker.place) does not speak MQTT \(broker.version.rawValue).",
        advice: broker.version == .five ? "Set mqtt.protocol: 3.1.1." : "Set mqtt.protocol: 5.")
    case 133:
      return BrokerTrouble(
        "The MQTT broker at \(broker.place) does not take the client id \(broker.clientID).", advice: "Set mqtt.client_id.")
    case 134, 135, 138, 140:
      var trouble = BrokerTrouble(
        "The MQTT broker at \(broker.place) refuses the login\(broker.username.map { " of \($0)" } ?? "") (\(said.lowercased())).",
        advice: "Check mqtt.username and mqtt.password_file, and what the broker allows this user.")
      trouble.refusesLogin = true
      return trouble
    case 142:
      return BrokerTrouble(
        "Another client took over the MQTT session \(broker.clientID).",
        advice: "Two gateways of one name publish at this broker: give each a `gateway:` of its own.")
    default:
      return BrokerTrouble(
        "The MQTT broker at \(broker.place) ended it: \(said.lowercased()).", advice: "Look at the broker's log.")
    }
  }
}
