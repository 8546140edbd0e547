import Glibc
import MQTT
import Publishers
import Readings
import Yams

extension ConfigFile {
  /// Settings of the section `mqtt`; each can also be set by `BLUPOW_MQTT_` and its name in capitals.
  static let mqttScalars = [
    "host", "port", "username", "password_file", "tls", "ca_file", "certificate_file", "key_file", "client_id", "protocol",
    "base_topic", "discovery", "discovery_prefix",
  ]
  /// Where systemd puts what LoadCredential= names.
  static let credentials = "CREDENTIALS_DIRECTORY"
  static let passwordVariable = mqttVariable("password")
  private static let credential = "mqtt.password"
  private static let maxSecretBytes = 4096
  private static let topic = "a topic of 1 to 100 bytes, without + # $ \" or \\"

  static func mqttVariable(_ scalar: String) -> String { "BLUPOW_MQTT_" + scalar.uppercased() }

  /// What of the section is said, before it is known to fit together.
  private struct Said {
    var host = "127.0.0.1"
    var port: Int?
    var username: String?
    var password: Secret?
    var tls: Bool?
    var authorities: String?
    var certificate: String?
    var key: String?
    var clientID: String?
    var version = BrokerSettings.Version.five
    var base = "blupow"
    var discovery = MQTTSettings.Discovery.component
    var prefix = "homeassistant"
  }

  /// `nil`: there is no section, and the environment names no host.
  ///
  /// - Parameter opensFiles: who does not publish may not be allowed to read the password.
  static func mqtt(
    _ node: Node?, file: String, environment: [String: String], opensFiles: Bool
  ) throws(ConfigError) -> MQTTSettings? {
    if environment[passwordVariable] != nil {
      throw ConfigError(
        passwordVariable, "a password does not belong here: \(mqttVariable("password_file")) names a file that holds it.")
    }
    guard node != nil || environment[mqttVariable("host")] != nil else { return nil }
    var said = Said()
    // `mqtt:` and nothing below it: everything has a default.
    let section = if let node, node.scalar?.string != "" { node } else { Node.mapping([:]) }
    var fields = try YAMLFields(section, file: file, path: "mqtt", known: mqttScalars)
    if let (_, node) = try fields.text("password") {
      throw fields.wrong(
        "password", node, "a password does not belong here: write it into a file of its own, and name that by `password_file`.")
    }
    try apply(&fields, to: &said, opensFiles)
    try fields.finish()
    for name in mqttScalars {
      guard let value = environment[mqttVariable(name)] else { continue }
      var single = try YAMLFields(
        Node.mapping(.init([(Node(name), Node(value))])), file: mqttVariable(name), path: "mqtt", known: mqttScalars)
      try apply(&single, to: &said, opensFiles)
    }
    if opensFiles, said.password == nil, said.username != nil {
      said.password = try Self.credential(credential, "password", environment)
    }
    return try settings(said, fields)
  }

  private static func apply(_ fields: inout YAMLFields, to said: inout Said, _ opensFiles: Bool) throws(ConfigError) {
    func readable(_ path: String) -> String? {
      path.hasPrefix("/") && (!opensFiles || access(path, R_OK) == 0) ? path : nil
    }
    said.host =
      try fields.value("host", "a host name or an address", { isHost($0) ? $0 : nil }) ?? said.host
    said.port = try fields.number("port", 1...65_535) ?? said.port
    said.username = try fields.value("username", "a name of 1 to 256 bytes", short(256)) ?? said.username
    said.password = try fields.secret("password_file", "password", opens: opensFiles) ?? said.password
    said.tls = try fields.flag("tls") ?? said.tls
    said.authorities = try fields.value("ca_file", "a file that can be read, by its absolute path", readable) ?? said.authorities
    said.certificate =
      try fields.value("certificate_file", "a file that can be read, by its absolute path", readable) ?? said.certificate
    said.key = try fields.value("key_file", "a file that can be read, by its absolute path", readable) ?? said.key
    said.clientID = try fields.value("client_id", "a name of 1 to 128 bytes", short(128)) ?? said.clientID
    said.version = try fields.value("protocol", "5 or 3.1.1") { BrokerSettings.Version(rawValue: $0) } ?? said.version
    said.base = try fields.value("base_topic", topic, fitTopic) ?? said.base
    said.discovery =
      try fields.value("discovery", "one of: device, component, both, off") { MQTTSettings.Discovery(rawValue: $0) }
      ?? said.discovery
    said.prefix = try fields.value("discovery_prefix", topic, fitTopic) ?? said.prefix
  }

  /// What fits together.
  private static func settings(_ said: Said, _ fields: YAMLFields) throws(ConfigError) -> MQTTSettings {
    let wantsTLS = said.authorities != nil || said.certificate != nil
    if said.tls == false, wantsTLS {
      throw fields.wrong(of: ["tls"], "`tls: false` beside ca_file or certificate_file; leave one of them out.")
    }
    guard (said.certificate == nil) == (said.key == nil) else {
      throw fields.wrong(
        of: ["certificate_file", "key_file"], "certificate_file and key_file belong together; one of them is missing.")
    }
    if said.password != nil, said.username == nil {
      throw fields.wrong(of: ["password_file"], "`password_file` without `username`.")
    }
    let tls =
      said.tls == true || wantsTLS
      ? BrokerSettings.TLS(authorities: said.authorities, certificate: said.certificate, key: said.key) : nil
    guard let base = TopicName(said.base), let prefix = TopicName(said.prefix) else { throw fields.wrong("no topic.") }
    if "\(said.base)/".hasPrefix("\(said.prefix)/") || "\(said.prefix)/".hasPrefix("\(said.base)/") {
      throw fields.wrong(
        of: ["base_topic", "discovery_prefix"],
        "one of base_topic and discovery_prefix is below the other; Home Assistant looks for announcements there.")
    }
    let broker = BrokerSettings(
      host: said.host, port: said.port ?? (tls == nil ? 1883 : 8883), clientID: said.clientID ?? "", username: said.username,
      password: said.password, tls: tls, version: said.version)
    return MQTTSettings(broker: broker, clientID: said.clientID, base: base, discovery: said.discovery, prefix: prefix)
  }

  // MARK: Words

  private static func isHost(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
  }

  private static func short(_ bytes: Int) -> (String) -> String? {
    { text in text == Printable.text(text, maxBytes: bytes) ? text : nil }
  }

  private static func fitTopic(_ text: String) -> String? {
    let isFit = text.utf8.count <= 100 && TopicName(text) != nil && !text.hasPrefix("/") && !text.hasSuffix("/")
    return isFit && !text.contains("//") && !text.contains { "\"\\".contains($0) } ? text : nil
  }

}

// MARK: Secrets

extension YAMLFields {
  /// The first line of the file that is named there, which is a `what`.
  ///
  /// - Parameter opens: `false`: that it is named is enough.
  mutating func secret(_ key: String, _ what: String, opens: Bool) throws(ConfigError) -> Secret? {
    guard let (path, node) = try text(key) else { return nil }
    guard path.hasPrefix("/") else { throw wrong(key, node, "'\(path.prefix(60))' is not an absolute path.") }
    do throws(ConfigError) {
      return opens ? try ConfigFile.secret(path, what) : Secret("")
    } catch {
      throw wrong(key, node, error.description)
    }
  }
}

extension ConfigFile {
  /// From systemd. An empty one is the unit's word for none.
  static func credential(
    _ name: String, _ what: String, _ environment: [String: String]
  ) throws(ConfigError) -> Secret? {
    guard let directory = environment[credentials] else { return nil }
    let path = "\(directory)/\(name)"
    guard access(path, F_OK) == 0, try !firstLine(path).isEmpty else { return nil }
    return try secret(path, what)
  }

  fileprivate static func secret(_ path: String, _ what: String) throws(ConfigError) -> Secret {
    let line = try firstLine(path)
    guard !line.isEmpty, line.utf8.count <= maxSecretBytes else {
      throw ConfigError(path, "holds no \(what): its first line is empty, or has more than \(maxSecretBytes) bytes.")
    }
    return Secret(line)
  }

  private static func firstLine(_ path: String) throws(ConfigError) -> String {
    let text = try read(path, hint: "Let this user read it, or name another file.")
    // By bytes: to Swift a line's end of two bytes is one character. An editor on Windows leaves such.
    let bytes = text.utf8.prefix { $0 != UInt8(ascii: "\n") }
    return String(decoding: bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes, as: UTF8.self)
  }
}
