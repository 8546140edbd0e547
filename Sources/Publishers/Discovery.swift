import MQTT

/// The documents of Home Assistant's MQTT discovery, as far as they are used here
/// (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).
enum Discovery {
  enum Platform: String, Encodable {
    case sensor
    case binarySensor = "binary_sensor"
  }

  struct Origin: Encodable {
    var name = "BluPow"
    var softwareVersion: String

    private enum CodingKeys: String, CodingKey {
      case name
      case softwareVersion = "sw_version"
    }
  }

  struct Device: Encodable {
    var identifiers: [String]
    var name: String
    var manufacturer: String
    var model: String?
    var serial: String?
    var firmware: String?
    var hardware: String?
    /// The identifier of the device that it is reached by.
    var via: String?

    private enum CodingKeys: String, CodingKey {
      case identifiers, name, manufacturer, model
      case serial = "serial_number"
      case firmware = "sw_version"
      case hardware = "hw_version"
      case via = "via_device"
    }
  }

  struct Source: Encodable {
    var topic: String
    /// `nil`: the payload is the word itself.
    var template: String?

    private enum CodingKeys: String, CodingKey {
      case topic
      case template = "value_template"
    }
  }

  /// One entity.
  struct Entity {
    var key: String
    var platform = Platform.sensor
    var name: String
    var uniqueID: String
    /// Without its platform: `inverter_battery_voltage`.
    var objectID: String
    var stateTopic: String
    var template: String
    var unit: String?
    var deviceClass: String?
    var stateClass: String?
    var category: String?
    var precision: Int?
    var options: [String]?
    /// In seconds.
    var expireAfter: Int64?
    /// All of them have to say `online`.
    var availability: [Source]
    /// Of the same topic.
    var attributes: String?
  }

  /// One entity for itself: with its device, where the topic says its platform; among its device's, where that says the rest.
  struct EntityDocument: Encodable {
    var entity: Entity
    var device: Device?
    var origin: Origin?

    private enum Key: String, CodingKey {
      case platform, name, device, origin, availability, options
      case uniqueID = "unique_id"
      case objectID = "object_id"
      case defaultEntityID = "default_entity_id"
      case stateTopic = "state_topic"
      case template = "value_template"
      case unit = "unit_of_measurement"
      case deviceClass = "device_class"
      case stateClass = "state_class"
      case category = "entity_category"
      case precision = "suggested_display_precision"
      case expireAfter = "expire_after"
      case availabilityMode = "availability_mode"
      case attributesTopic = "json_attributes_topic"
      case attributes = "json_attributes_template"
      case on = "payload_on"
      case off = "payload_off"
    }

    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      if device == nil { try fields.encode(entity.platform, forKey: .platform) }
      try fields.encode(entity.name, forKey: .name)
      try fields.encode(entity.uniqueID, forKey: .uniqueID)
      // 2026.4 and later know only the one, up to 2025.9 only the other.
      try fields.encode("\(entity.platform.rawValue).\(entity.objectID)", forKey: .defaultEntityID)
      try fields.encode(entity.objectID, forKey: .objectID)
      try fields.encode(entity.stateTopic, forKey: .stateTopic)
      try fields.encode(entity.template, forKey: .template)
      try fields.encodeIfPresent(entity.unit, forKey: .unit)
      try fields.encodeIfPresent(entity.deviceClass, forKey: .deviceClass)
      try fields.encodeIfPresent(entity.stateClass, forKey: .stateClass)
      try fields.encodeIfPresent(entity.category, forKey: .category)
      try fields.encodeIfPresent(entity.precision, forKey: .precision)
      try fields.encodeIfPresent(entity.options, forKey: .options)
      try fields.encodeIfPresent(entity.expireAfter, forKey: .expireAfter)
      try fields.encode(entity.availability, forKey: .availability)
      try fields.encode("all", forKey: .availabilityMode)
      if let attributes = entity.attributes {
        try fields.encode(entity.stateTopic, forKey: .attributesTopic)
        try fields.encode(attributes, forKey: .attributes)
      }
      if entity.platform == .binarySensor {
        try fields.encode("on", forKey: .on)
        try fields.encode("off", forKey: .off)
      }
      try fields.encodeIfPresent(device, forKey: .device)
      try fields.encodeIfPresent(origin, forKey: .origin)
    }
  }

  /// A device with all its entities.
  struct DeviceDocument: Encodable {
    var device: Device
    var origin: Origin
    var entities: [Entity]
    /// Entities that there were: a component with nothing but its platform is taken away.
    var gone: [String: Platform]

    private enum CodingKeys: String, CodingKey { case device, origin, components }
    private struct Gone: Encodable { var platform: Platform }

    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: CodingKeys.self)
      try fields.encode(device, forKey: .device)
      try fields.encode(origin, forKey: .origin)
      var components = fields.nestedContainer(keyedBy: AnyKey.self, forKey: .components)
      for entity in entities { try components.encode(EntityDocument(entity: entity), forKey: AnyKey(entity.key)) }
      for (key, platform) in gone { try components.encode(Gone(platform: platform), forKey: AnyKey(key)) }
    }
  }

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
