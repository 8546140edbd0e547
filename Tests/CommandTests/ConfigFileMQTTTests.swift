import Glibc
import MQTT
import Policy
import Publishers
import Rig
import Testing

@testable import blupow

/// The section `mqtt`.
@Suite struct ConfigFileMQTTTests {
  private static let device = "devices:\n  - address: D8:B6:73:BF:4F:75\n"

  private static func mqtt(_ section: String, _ environment: [String: String] = [:]) throws -> MQTTSettings? {
    try ConfigFile.whole(section + device, file: "c.yaml", environment: environment).mqtt
  }

  private static func defaults(_ change: (inout MQTTSettings) -> Void = { _ in }) throws -> MQTTSettings {
    var settings = MQTTSettings(
      broker: BrokerSettings(host: "127.0.0.1", port: 1883, clientID: ""), base: try #require(TopicName("blupow")),
      prefix: try #require(TopicName("homeassistant")))
    change(&settings)
    return settings
  }

  /// A file of that text, for one test.
  private func file(_ text: String) throws -> String {
    let path = "/tmp/blupow-secret-\(UInt32.random(in: 0 ... .max))"
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    let bytes = Array(text.utf8)
    #expect(write(file, bytes, bytes.count) == bytes.count)
    return path
  }

  @Test func `without a section nothing is published; one without more has all defaults`() throws {
    #expect(try Self.mqtt("") == nil)
    #expect(try Self.mqtt("mqtt: {}\n") == Self.defaults())
    #expect(try Self.mqtt("mqtt:\n") == Self.defaults())
    #expect(try Self.mqtt("mqtt:\n  host: 127.0.0.1\n") == Self.defaults())
    #expect(try Self.mqtt("", ["BLUPOW_MQTT_HOST": "127.0.0.1"]) == Self.defaults())
  }

  @Test func `every key of the example is a key, and its defaults are the defaults`() throws {
    let lines = ConfigExample.text.split(separator: "\n").drop { !$0.hasPrefix("# mqtt:") }.prefix { !$0.hasPrefix("# http:") }
    for key in ConfigFile.mqttScalars { #expect(lines.contains { $0.hasPrefix("#   \(key): ") }, "\(key)") }
    // What names files, or a login, or is by the gateway's name, is left out.
    let said = ["username", "password_file", "ca_file", "certificate_file", "key_file", "client_id"]
    let section = lines.filter { line in !said.contains { line.hasPrefix("#   \($0): ") } }.map { $0.dropFirst(2) + "\n" }
    #expect(try Self.mqtt(section.joined()) == Self.defaults())
  }

  @Test func `every setting is taken, from the file and from the environment`() throws {
    let (password, authority, certificate, key) = (try file("s3cret\r\nmore\n"), try file("a"), try file("b"), try file("c"))
    defer { for path in [password, authority, certificate, key] { unlink(path) } }
    let values = [
      "host": "broker.example", "username": "me", "password_file": password, "tls": "true", "ca_file": authority,
      "certificate_file": certificate, "key_file": key, "client_id": "one", "protocol": "3.1.1", "base_topic": "van/power",
      "discovery": "device", "discovery_prefix": "ha",
    ]
    let expected = try Self.defaults { settings in
      settings.broker = BrokerSettings(
        host: "broker.example", port: 8883, clientID: "one", username: "me", password: Secret("s3cret"),
        tls: .init(authorities: authority, certificate: certificate, key: key), version: .three)
      settings.clientID = "one"
      settings.discovery = .device
    }
    for settings in [
      try Self.mqtt("mqtt:\n" + values.map { "  \($0): \($1)\n" }.joined()),
      try Self.mqtt("", Dictionary(uniqueKeysWithValues: values.map { ("BLUPOW_MQTT_\($0.uppercased())", $1) })),
    ] {
      let settings = try #require(settings)
      #expect(settings.broker == expected.broker && settings.discovery == .device && settings.clientID == "one")
      #expect("\(settings.base) \(settings.prefix)" == "van/power ha")
    }
  }

  @Test func `a password can come from systemd, and is not read by who does not publish`() throws {
    var template = Array("/tmp/blupow-credentials-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let source = try file("from-systemd")
    #expect(rename(source, "\(directory)/mqtt.password") == 0)
    defer {
      unlink("\(directory)/mqtt.password")
      rmdir(directory)
    }
    let environment = ["CREDENTIALS_DIRECTORY": directory]
    #expect(try Self.mqtt("mqtt: {username: me}\n", environment)?.broker.password == Secret("from-systemd"))
    #expect(try Self.mqtt("mqtt: {}\n", environment)?.broker.password == nil)
    // The unit gives one of a newline where there is no file.
    let empty = try file("\n")
    #expect(rename(empty, "\(directory)/mqtt.password") == 0)
    let without = try #require(try Self.mqtt("mqtt: {username: me}\n", environment))
    #expect(without.broker.password == nil && without.broker.username == "me")
    let unreadable = "mqtt: {username: me, password_file: /nonexistent/x}\n" + Self.device
    #expect(throws: ConfigError.self) { try ConfigFile.whole(unreadable, file: "c.yaml") }
    #expect(try ConfigFile.whole(unreadable, file: "c.yaml", opensFiles: false).gateway.devices.count == 1)
  }

  @Test func `a password in the environment is refused, not overlooked`() {
    do throws(ConfigError) {
      _ = try ConfigFile.whole(Self.device, file: "c.yaml", environment: ["BLUPOW_MQTT_PASSWORD": "x"])
      Issue.record("it was taken")
    } catch {
      #expect(
        error.description
          == "BLUPOW_MQTT_PASSWORD: a password does not belong here: BLUPOW_MQTT_PASSWORD_FILE names a file that holds it.")
    }
    #expect(ConfigFile.passwordVariable == "BLUPOW_MQTT_PASSWORD")
  }

  @Test func `settings that only the environment makes impossible are refused, too`() {
    #expect(throws: ConfigError.self) {
      try ConfigFile.whole(
        "mqtt:\n  tls: false\n" + Self.device, file: "c.yaml", environment: ["BLUPOW_MQTT_CA_FILE": "/etc/passwd"])
    }
    #expect(throws: ConfigError.self) {
      try ConfigFile.parse(Self.device, file: "c.yaml", environment: ["BLUPOW_FAILING_SESSIONS": "4"])
    }
  }

  @Test(arguments: ["\"a\\u0000b\"", "\"a\\nb\"", "\"\\u202e\"", "\"  \"", String(repeating: "x", count: 300)])
  func `a device's name that no place could show is refused`(name: String) {
    #expect(throws: ConfigError.self) { try ConfigFile.parse(Self.device + "    name: \(name)\n", file: "c.yaml") }
  }

  @Test(
    arguments: [
      ("host", "host:1883"), ("host:1884", "host:1884"), ("127.0.0.1:1", "127.0.0.1:1"), ("[::1]:1884", "[::1]:1884"),
      ("[::1]", "[::1]:1883"),
    ])
  func `a broker can be typed as a place`(text: String, place: String) {
    #expect(BrokerPlace(argument: text)?.settings.broker.place == place)
  }

  @Test(arguments: ["", ":1883", "host:", "host:x", "host:0", "host:70000", "a:b:c", "[::1]x", "[]:1"])
  func `what is no place is refused`(text: String) {
    #expect(BrokerPlace(argument: text) == nil)
  }
}
