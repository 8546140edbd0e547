import Devices
import Foundation
import MQTT
import Policy
import Readings
import Testing

@testable import Publishers

@Suite struct FleetBoardTests {
  private typealias Document = [String: Any]

  private func messages(
    _ status: FleetStatus, _ config: GatewayConfig, _ discovery: MQTTSettings.Discovery = .component
  ) -> [String: String] {
    var board = FleetBoard(Sample.settings(1883, discovery), PublishedFleet(config))
    let messages = board.groups(status).flatMap(\.messages)
    #expect(Set(messages.map(\.topic)).count == messages.count, "a topic of two messages")
    return Dictionary(uniqueKeysWithValues: messages.map { ($0.topic.description, String(decoding: $0.payload, as: UTF8.self)) })
  }

  private func document(_ text: String?) throws -> Document {
    let bytes = Data(try #require(text, "nothing is there").utf8)
    return try #require(JSONSerialization.jsonObject(with: bytes) as? Document)
  }

  /// A fleet of one device that has every reading of its profile.
  private func whole(_ profile: Profile, name: String = "It") throws -> (FleetStatus, GatewayConfig) {
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    var status = try Sample.device(name)
    status.profile = profile.name
    status.readings = Dictionary(
      uniqueKeysWithValues: profile.keys.map { field in
        (field.key, Reading(field.coding.isFlag || field.quantity.unit == nil ? .text("x") : .number(1), unit: field.unit))
      })
    let config = GatewayConfig(name: "cabin", devices: [DeviceConfig(name: name, address: address, profile: profile.name)])
    return (FleetStatus(gateway: "cabin", devices: [status]), config)
  }

  @Test(arguments: Profile.all.map(\.name))
  func `every field of a profile is an entity with all that its page says`(name: String) throws {
    let profile = try #require(Profile.named(name))
    let (status, config) = try whole(profile)
    let sent = messages(status, config)
    var ids: Set<String> = []
    for field in profile.keys {
      let platform = field.quantity == .problem || field.coding.isFlag ? "binary_sensor" : "sensor"
      let entity = try document(sent["homeassistant/\(platform)/blupow_cabin_d8b673bf4f75/\(field.key)/config"])
      #expect(entity["name"] as? String == field.name)
      #expect(entity["unit_of_measurement"] as? String == field.unit)
      #expect(entity["device_class"] as? String == field.quantity.deviceClass)
      #expect(entity["state_class"] as? String == field.quantity.stateClass?.rawValue)
      #expect(entity["entity_category"] as? String == field.quantity.category?.rawValue)
      #expect(entity["suggested_display_precision"] as? Int == (field.unit == nil ? nil : field.decimals))
      #expect(entity["state_topic"] as? String == "blupow/cabin/it/state")
      #expect(
        entity["default_entity_id"] as? String == "\(platform).it_\(field.key)"
          && entity["object_id"] as? String == "it_\(field.key)")
      // Ten minutes of grace, and one.
      #expect(entity["expire_after"] as? Int == 660 && entity["availability_mode"] as? String == "all")
      let places = try #require(entity["availability"] as? [Document]).compactMap { $0["topic"] as? String }
      #expect(places.prefix(2) == ["blupow/cabin/availability", "blupow/cabin/it/availability"])
      ids.insert(try #require(entity["unique_id"] as? String))
    }
    #expect(ids.count == profile.keys.count)
  }

  /// What Home Assistant refuses, or corrupts its statistics by (developers.home-assistant.io/docs/core/entity/sensor).
  @Test func `units and classes fit each other, as Home Assistant has it`() throws {
    let units: [String: Set<String>] = [
      "voltage": ["V"], "current": ["A"], "power": ["W"], "apparent_power": ["VA"], "frequency": ["Hz"], "temperature": ["°C"],
      "battery": ["%"], "energy": ["Wh", "kWh"], "duration": ["s", "d"], "signal_strength": ["dBm"],
    ]
    for profile in Profile.all {
      let (status, config) = try whole(profile)
      for (topic, payload) in messages(status, config) where topic.hasPrefix("homeassistant/") {
        let entity = try document(payload)
        let (unit, stateClass) = (entity["unit_of_measurement"] as? String, entity["state_class"] as? String)
        switch entity["device_class"] as? String {
        case "enum":
          #expect(unit == nil && stateClass == nil && (entity["options"] as? [String])?.isEmpty == false, "\(topic)")
        case "timestamp", "problem": #expect(unit == nil && stateClass == nil, "\(topic)")
        case let deviceClass?:
          #expect(unit.map { units[deviceClass]?.contains($0) == true } == true, "\(topic)")
          if deviceClass == "energy" { #expect(stateClass == "total_increasing", "\(topic)") }
        case nil: #expect(entity["options"] == nil, "\(topic)")
        }
        #expect(entity["entity_category"] as? String != "config", "\(topic)")
        #expect((entity["origin"] as? Document)?["name"] as? String == "BluPow" && entity["unique_id"] is String, "\(topic)")
      }
    }
  }

  /// Of the original integration: its users' automations name them.
  @Test(
    arguments: [
      ("model", "Inverter Model", nil, nil), ("device_id", "Device ID", nil, nil),
      ("input_voltage", "AC Input Voltage", "V", "voltage"), ("input_current", "AC Input Current", "A", "current"),
      ("input_frequency", "AC Input Frequency", "Hz", "frequency"), ("output_voltage", "AC Output Voltage", "V", "voltage"),
      ("output_current", "AC Output Current", "A", "current"), ("output_frequency", "AC Output Frequency", "Hz", "frequency"),
      ("load_active_power", "AC Load Power", "W", "power"), ("load_apparent_power", "AC Apparent Power", "VA", "apparent_power"),
      ("load_current", "Load Current", "A", "current"), ("load_percentage", "Load Percentage", "%", nil),
      ("line_charging_current", "Line Charging Current", "A", "current"), ("battery_voltage", "Battery Voltage", "V", "voltage"),
      ("battery_percentage", "Battery SOC", "%", "battery"), ("charging_current", "Battery Charging Current", "A", "current"),
      ("charging_status", "Charging Status", nil, "enum"), ("charging_power", "Charging Power", "W", "power"),
      ("solar_voltage", "Solar Input Voltage", "V", "voltage"), ("solar_current", "Solar Input Current", "A", "current"),
      ("solar_power", "Solar Input Power", "W", "power"), ("temperature", "Inverter Temperature", "°C", "temperature"),
    ] as [(String, String, String?, String?)])
  func `the original's inverter entities are what they were`(key: String, name: String, unit: String?, deviceClass: String?)
    throws
  {
    let (status, config) = try whole(.inverter)
    let entity = try document(messages(status, config)["homeassistant/sensor/blupow_cabin_d8b673bf4f75/\(key)/config"])
    #expect(entity["name"] as? String == name && entity["unit_of_measurement"] as? String == unit)
    #expect(entity["device_class"] as? String == deviceClass)
  }

  @Test func `readings and diagnostics do not share a key`() {
    for profile in Profile.all { #expect(Set(profile.keys.map(\.key)).isDisjoint(with: FleetEntities.diagnosticKeys)) }
  }

  @Test func `by device it is the same, in one document`() throws {
    let (status, config) = try whole(.battery)
    let single = messages(status, config).filter { $0.key.hasPrefix("homeassistant/") }
    let whole = messages(status, config, .device)
    let device = try document(whole["homeassistant/device/blupow_cabin_d8b673bf4f75/config"])
    let components = try #require(device["components"] as? [String: Document])
    #expect(components.count + 4 == single.count)
    for (key, component) in components {
      let platform = try #require(component["platform"] as? String)
      var one = try document(single["homeassistant/\(platform)/blupow_cabin_d8b673bf4f75/\(key)/config"])
      #expect(
        NSDictionary(dictionary: try #require(one["device"] as? Document))
          == NSDictionary(dictionary: try #require(device["device"] as? Document)))
      (one["device"], one["origin"], one["platform"]) = (nil, nil, platform)
      #expect(NSDictionary(dictionary: one) == NSDictionary(dictionary: component), "\(key)")
    }
    #expect(Set(messages(status, config, .both).keys) == Set(single.keys).union(whole.keys))
    #expect(messages(status, config, .off).keys.filter { $0.hasPrefix("homeassistant/") } == [])
  }

  @Test func `an entity that was is not taken away by a poll without it; one of another profile is`() throws {
    var (status, config) = try whole(.controller)
    config.devices[0].profile = "auto"
    var board = FleetBoard(Sample.settings(1883, .device), PublishedFleet(config))
    _ = board.groups(status)
    status.devices[0].readings = [:]
    func components() throws -> [String: Document] {
      let all = board.groups(status).flatMap(\.messages)
      let message = try #require(all.first { $0.topic.description.hasSuffix("4f75/config") })
      let whole = try document(String(decoding: message.payload, as: UTF8.self))
      return try #require(whole["components"] as? [String: Document])
    }
    #expect(try components()["load_brightness"]?.count ?? 0 > 1)
    status.devices[0].profile = "dcdc"
    let changed = try components()
    #expect(changed["load_brightness"] as? [String: String] == ["platform": "sensor"])
    #expect(changed["load_status"] as? [String: String] == ["platform": "binary_sensor"])
    #expect(changed["alternator_voltage"]?.count ?? 0 > 1 && changed["battery_voltage"]?.count ?? 0 > 1)
  }

  @Test func `age alone is no news, everything else is`() throws {
    var (status, config) = try whole(.inverter)
    var board = FleetBoard(Sample.settings(), PublishedFleet(config))
    let first = board.groups(status)
    status.devices[0].age = .seconds(17)
    status.devices[0].availability = 0.99996
    #expect(board.groups(status) == first)
    for change: (inout DeviceStatus) -> Void in [
      { $0.available = false }, { $0.status = .offline }, { $0.consecutiveFailures = 1 }, { $0.rssi = -60 },
      { $0.readings["battery_voltage"] = Reading(.number(1.5), unit: "V") }, { $0.readAt = Date(timeIntervalSince1970: 1) },
    ] {
      var changed = status
      change(&changed.devices[0])
      #expect(board.groups(changed) != first)
    }
  }

  @Test func `what was announced is announced after a restart, too`() throws {
    let (status, config) = try whole(.inverter)
    var board = FleetBoard(Sample.settings(), PublishedFleet(config))
    let before = board.groups(status).flatMap(\.messages)
    let text = String(decoding: try JSONEncoder().encode(try #require(board.announcements.values.first)), as: UTF8.self)
    let kept = try JSONDecoder().decode(Announcement.self, from: Data(text.utf8))
    var away = status
    (away.devices[0].readings, away.devices[0].model, away.devices[0].available) = ([:], nil, false)
    var later = FleetBoard(
      Sample.settings(), PublishedFleet(config), announcements: [try #require(TopicLevel("d8b673bf4f75")): kept])
    func announced(_ messages: [Message]) -> Set<Message> {
      Set(messages.filter { $0.topic.description.hasPrefix("homeassistant/") })
    }
    #expect(announced(later.groups(away).flatMap(\.messages)) == announced(before))
  }

  @Test func `a device that is read at last has its values before it is available, one that is gone is unavailable first`() throws
  {
    var (status, config) = try whole(.inverter)
    func order() -> [String] {
      var board = FleetBoard(Sample.settings(1883, .off), PublishedFleet(config))
      return board.groups(status).flatMap(\.messages).map { String($0.topic.description.split(separator: "/").last ?? "") }
    }
    // The gateway's own comes last: until then what an earlier one left at the broker is hidden.
    #expect(order() == ["status", "state", "availability", "status", "availability"])
    status.devices[0].available = false
    #expect(order() == ["status", "availability", "state", "status", "availability"])
  }

  @Test(
    arguments: [
      "\"quoted\" 'name'", "a/b", "#", "+", "🔋🔌", "{{ states('x') }}", "\\", String(repeating: "x", count: 64), "Küche", "$SYS",
    ])
  func `a hostile name is a valid topic and an entity, and its own words are kept`(name: String) throws {
    let (status, config) = try whole(.shunt300, name: name)
    let sent = messages(status, config)
    for topic in sent.keys { #expect(TopicName(topic) != nil && topic.split(separator: "/").count <= 5) }
    let entity = try document(sent["homeassistant/sensor/blupow_cabin_d8b673bf4f75/battery_soc/config"])
    #expect((entity["device"] as? Document)?["name"] as? String == name)
    let objectID = try #require(entity["object_id"] as? String)
    #expect(objectID.wholeMatch(of: /[a-z0-9_]+/) != nil)
  }

  @Test func `names with the same words, hubs and simulations are told apart`() throws {
    let (hub, other) = (try #require(Address("D8:B6:73:BF:4F:82")), try #require(Address("D8:B6:73:BF:4F:99")))
    let fleet = PublishedFleet(
      GatewayConfig(
        name: "cabin",
        devices: [
          DeviceConfig(name: "Battery 1", address: hub, profile: "battery", unit: 48),
          DeviceConfig(name: "battery-1", address: hub, profile: "battery", unit: 49),
          DeviceConfig(name: "😀", address: other, profile: "auto", testMode: true),
        ]))
    #expect(fleet.devices.map(\.id.description) == ["d8b673bf4f82_48", "d8b673bf4f82_49", "d8b673bf4f99_test"])
    #expect(fleet.devices.map(\.level.description) == ["battery_1", "battery_1_d8b673bf4f82_49", "d8b673bf4f99_test"])
  }

  @Test func `no two devices share a topic, whatever they are called`() throws {
    let address = try #require(Address("D8:B6:73:BF:4F:83"))
    let names = ["Battery d8b673bf4f83", "Battery", "BATTERY", "d8b673bf4f83_9", "battery d8b673bf4f83 5"]
    let fleet = PublishedFleet(
      GatewayConfig(
        name: "cabin",
        devices: names.enumerated().map { number, name in
          DeviceConfig(name: name, address: address, profile: "battery", unit: number == 2 ? nil : UInt8(number + 5))
        }))
    #expect(Set(fleet.devices.map(\.level)).count == names.count)
  }

  @Test func `what another device of that name has said is not said of this one`() throws {
    let (status, config) = try whole(.controller)
    for change: (inout DeviceConfig) -> Void in [
      { $0.unit = 7 }, { $0.profile = "battery" }, { $0.testMode = true },
      { $0.address = Address("D8:B6:73:BF:4F:99") ?? $0.address },
    ] {
      var other = config
      change(&other.devices[0])
      let sent = messages(status, other)
      #expect(sent["blupow/cabin/it/state"] == nil && sent["blupow/cabin/it/availability"] == "offline")
      #expect(!sent.values.contains { $0.contains("\"x\"") } && !sent.keys.contains { $0.contains("load_brightness") })
    }
    var automatic = config
    automatic.devices[0].profile = "auto"
    #expect(messages(status, automatic)["blupow/cabin/it/availability"] == "online")
  }

  @Test func `a simulated device is marked wherever it is shown`() throws {
    var (status, config) = try whole(.inverter)
    config.devices[0].testMode = true
    status.devices[0].testMode = true
    let sent = messages(status, config)
    let entity = try document(sent["homeassistant/sensor/blupow_cabin_d8b673bf4f75_test/battery_voltage/config"])
    let device = try #require(entity["device"] as? Document)
    #expect(device["name"] as? String == "It (simulated)" && (device["model"] as? String)?.hasSuffix("(simulated)") == true)
    #expect(try document(sent["blupow/cabin/it/state"])["test_mode"] as? Bool == true)
  }

  @Test func `nothing is shown of a device that is gone, and nothing that was not read`() throws {
    let sent = messages(try Sample.fleetAtBroker(), try Sample.config())
    #expect((try document(sent["blupow/cabin/shunt/state"])["readings"] as? Document)?.isEmpty == true)
    #expect(sent["blupow/cabin/shunt/availability"] == "offline")
    let readings = try #require(try document(sent["blupow/cabin/inverter/state"])["readings"] as? Document)
    #expect(readings.count == 5 && readings["battery_voltage"] as? Double == 51.2)
  }
}
