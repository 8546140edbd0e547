import CMosquitto
import Glibc

/// One connection of libmosquitto's, and what became of it. Lives in one thread alone; nothing of the library's outlives it.
final class Session {
  enum Happening {
    case connected
    /// The broker's no to the login, or its word at the end.
    case refused(Int32)
    /// The broker's answer to a message: `nil` took it.
    case answered(packet: Int32, refusal: String?)
    case received(Message)
  }

  /// What the library's callbacks write into; they come from within calls of the owner's.
  private final class Ear {
    var happenings: [Happening] = []
    var lastError: String?
  }

  /// Of what is received: a status word, or a document of discovery.
  private static let maxReceived = 1_048_576

  private let broker: BrokerSettings
  private let ear = Ear()
  private let handle: OpaquePointer

  init(_ broker: BrokerSettings) throws(BrokerTrouble) {
    self.broker = broker
    guard let handle = mosquitto_new(broker.clientID, true, Unmanaged.passUnretained(ear).toOpaque()) else {
      throw BrokerTrouble("No memory for a connection to the MQTT broker.", advice: "Look at this host's memory.")
    }
    self.handle = handle
    listen()
    try configure()
  }

  deinit { mosquitto_destroy(handle) }

  /// Where poll(2) waits for it; -1: there is no connection.
  var socket: Int32 { mosquitto_socket(handle) }
  var wantsToWrite: Bool { mosquitto_want_write(handle) }

  /// What happened since the last call.
  func take() -> [Happening] {
    defer { ear.happenings = [] }
    return ear.happenings
  }

  // MARK: Before the connection

  private func configure() throws(BrokerTrouble) {
    let version = broker.version == .five ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311
    try check(mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, version))
    try check(mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1))
    if let username = broker.username {
      try check(mosquitto_username_pw_set(handle, username, broker.password?.text))
    }
    if let will = broker.will {
      try check(
        mosquitto_will_set(
          handle, will.topic.description, Int32(will.payload.count), will.payload, 1, will.isRetained))
    }
    guard let tls = broker.tls else { return }
    if tls.authorities == nil { try check(mosquitto_int_option(handle, MOSQ_OPT_TLS_USE_OS_CERTS, 1)) }
    // What is not there is not gone on without: these fail, or the handshake does. A certificate cannot be given without a place of
    // authorities.
    if tls.authorities != nil || tls.certificate != nil {
      let systems = tls.authorities == nil ? "/etc/ssl/certs" : nil
      try check(mosquitto_tls_set(handle, tls.authorities, systems, tls.certificate, tls.key, nil))
    }
    try check(mosquitto_tls_opts_set(handle, 1, nil, nil))
  }

  private func listen() {
    mosquitto_connect_v5_callback_set(handle) { _, ear, reason, _, _ in
      Session.tell(ear, reason == 0 ? .connected : .refused(reason))
    }
    mosquitto_disconnect_v5_callback_set(handle) { _, ear, reason, _ in
      // The broker's reasons begin at 128; what is lower is the library's, and comes from its calls as well.
      if reason >= 128 { Session.tell(ear, .refused(reason)) }
    }
    mosquitto_publish_v5_callback_set(handle) { _, ear, packet, reason, _ in
      let refusal = reason >= 128 ? String(cString: mosquitto_reason_string(reason)).lowercased() : nil
      Session.tell(ear, .answered(packet: packet, refusal: refusal))
    }
    mosquitto_message_v5_callback_set(handle) { _, ear, message, _ in
      guard let message = message?.pointee, let text = message.topic, message.payloadlen <= Session.maxReceived,
        let topic = TopicName(String(cString: text))
      else { return }
      let payload = UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
      Session.tell(ear, .received(Message(topic, Array(payload), retained: message.retain)))
    }
    mosquitto_log_callback_set(handle) { _, ear, level, text in
      guard level == MOSQ_LOG_ERR, let ear, let text else { return }
      Unmanaged<Ear>.fromOpaque(ear).takeUnretainedValue().lastError = String(cString: text)
    }
  }

  private static func tell(_ ear: UnsafeMutableRawPointer?, _ happening: Happening) {
    guard let ear else { return }
    Unmanaged<Ear>.fromOpaque(ear).takeUnretainedValue().happenings.append(happening)
  }

  // MARK: The connection

  /// Reaches the host, which may take the kernel's two minutes, and sends the login; the answer is a happening.
  func connect() throws(BrokerTrouble) {
    try check(
      mosquitto_connect_bind_v5(
        handle, broker.host, Int32(broker.port), Int32(broker.keepAlive.components.seconds), nil, nil))
  }

  func read() throws(BrokerTrouble) { try check(mosquitto_loop_read(handle, 1)) }

  func write() throws(BrokerTrouble) { try check(mosquitto_loop_write(handle, 1)) }

  /// Once a second: asks whether the broker is still there.
  func tick() throws(BrokerTrouble) { try check(mosquitto_loop_misc(handle)) }

  /// With QoS 0: of what is retained there may be more than a broker keeps waiting for a client.
  func subscribe(_ filter: String) throws(BrokerTrouble) { try check(mosquitto_subscribe(handle, nil, filter, 0)) }

  /// What of a message cannot be sent to this broker; `packet` is what its answer will be known by.
  enum Sending {
    case sent(packet: Int32)
    case unfit(String)
  }

  func publish(_ message: Message) throws(BrokerTrouble) -> Sending {
    var packet: Int32 = 0
    let code = mosquitto_publish_v5(
      handle, &packet, message.topic.description, Int32(message.payload.count), message.payload, 1, message.isRetained, nil)
    switch mosq_err_t(code) {
    case MOSQ_ERR_PAYLOAD_SIZE, MOSQ_ERR_OVERSIZE_PACKET, MOSQ_ERR_MALFORMED_UTF8, MOSQ_ERR_QOS_NOT_SUPPORTED,
      MOSQ_ERR_RETAIN_NOT_SUPPORTED:
      return .unfit(String(cString: mosquitto_strerror(code)).lowercased())
    default:
      try check(code)
      return .sent(packet: packet)
    }
  }

  /// A farewell: the will is not published.
  func disconnect() { _ = mosquitto_disconnect(handle) }

  private func check(_ code: Int32) throws(BrokerTrouble) {
    let system = errno
    guard code != 0 else { return }
    throw BrokerTrouble(code, at: broker, system: system, log: ear.lastError)
  }
}
