import Devices
import MQTT
import Policy
import Readings

/// What Home Assistant is shown of a fleet: devices and their entities, with all that the profiles' pages say of them.
struct FleetEntities {
  /// A device's keys beside its readings'.
  static let diagnosticKeys = [
    "status", "last_seen", "consecutive_failures", "deadline", "success_rate", "availability", "last_failure", "rssi",
  ]

  /// Beyond its grace a state is not shown even where this gateway hangs and nobody says so.
  private static let expiryMargin = Duration.seconds(60)

  let topics: GatewayTopics

  // MARK: The gateway

  var gatewayID: String { "blupow_\(topics.name)" }

  func gatewayDevice(version: String) -> Discovery.Device {
    Discovery.Device(
      identifiers: [gatewayID], name: "BluPow \(topics.name)", manufacturer: "BluPow", model: "Gateway", firmware: version)
  }

  var gatewayEntities: [Discovery.Entity] {
    func entity(_ key: String, _ name: String, _ template: String) -> Discovery.Entity {
      Discovery.Entity(
        key: key, name: name, uniqueID: "\(gatewayID)_\(key)",
        objectID: "\(gatewayID)_\(key)".lowercased().replacing("-", with: "_"),
        stateTopic: topics.status.description, template: template, category: "diagnostic",
        availability: [Discovery.Source(topic: topics.availability.description)])
    }
    var uptime = entity("uptime", "Uptime", "{{ value_json.uptime_s }}")
    (uptime.unit, uptime.deviceClass, uptime.stateClass) = ("s", "duration", "measurement")
    var problem = entity("problem", "Problem", "{{ value_json.problem }}")
    (problem.platform, problem.deviceClass) = (.binarySensor, "problem")
    problem.attributes = "{{ {'problems': value_json.problems} | tojson }}"
    return [
      entity("version", "Version", "{{ value_json.version }}"), uptime, problem,
      entity("problem_text", "Problem text", "{{ value_json.text }}"),
    ]
  }

  // MARK: A device

  func id(of device: PublishedFleet.Device) -> String { "\(gatewayID)_\(device.id)" }

  func device(_ device: PublishedFleet.Device, _ announced: Announcement) -> Discovery.Device {
    let mark = device.testMode ? " (simulated)" : ""
    return Discovery.Device(
      identifiers: [id(of: device)], name: device.name + mark, manufacturer: "Renogy",
      model: (announced.model ?? announced.profile).map { $0 + mark }, serial: announced.serial, firmware: announced.firmware,
      hardware: announced.hardware, via: gatewayID)
  }

  func entities(of device: PublishedFleet.Device, _ announced: Announcement) -> [Discovery.Entity] {
    announced.fields.map { reading($0, of: device) } + diagnostics(of: device, announced)
  }

  /// Entities of an earlier profile, by the platforms that they had.
  func gone(_ announced: Announcement) -> [String: Discovery.Platform] {
    let fields = Dictionary(Profile.all.flatMap(\.keys).map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    return Dictionary(
      uniqueKeysWithValues: announced.gone.compactMap { key in fields[key].map { (key, Self.platform(of: $0)) } })
  }

  private static func platform(of field: Field) -> Discovery.Platform { field.isOnOff ? .binarySensor : .sensor }

  private func reading(_ field: Field, of device: PublishedFleet.Device) -> Discovery.Entity {
    let quantity = field.quantity
    var availability = [
      Discovery.Source(topic: topics.availability.description),
      Discovery.Source(topic: topics.availability(of: device.level).description),
    ]
    // A measurement that is missing is unknown; of anything else older versions would make the word "None".
    if !field.isMeasured {
      availability.append(
        Discovery.Source(
          topic: topics.state(of: device.level).description,
          template: "{{ 'online' if '\(field.key)' in value_json.readings else 'offline' }}"))
    }
    let options = field.coding.options
    return Discovery.Entity(
      key: field.key, platform: Self.platform(of: field), name: field.name, uniqueID: "\(id(of: device))_\(field.key)",
      objectID: "\(device.level)_\(field.key)", stateTopic: topics.state(of: device.level).description,
      template: "{{ value_json.readings.get('\(field.key)') }}", unit: quantity.unit, deviceClass: quantity.deviceClass,
      stateClass: quantity.stateClass?.rawValue, category: quantity.category?.rawValue,
      precision: quantity.unit != nil ? field.decimals : nil,
      options: quantity.deviceClass == "enum" && !options.isEmpty ? options : nil,
      expireAfter: (device.grace + Self.expiryMargin).components.seconds, availability: availability)
  }

  /// Of the device's status: seen also where its readings are not to be had.
  private func diagnostics(of device: PublishedFleet.Device, _ announced: Announcement) -> [Discovery.Entity] {
    let topic = topics.status(of: device.level).description
    func entity(
      _ key: String, _ name: String, _ template: String, unit: String? = nil, deviceClass: String? = nil,
      stateClass: String? = nil, precision: Int? = nil
    ) -> Discovery.Entity {
      Discovery.Entity(
        key: key, name: name, uniqueID: "\(id(of: device))_\(key)", objectID: "\(device.level)_\(key)", stateTopic: topic,
        template: template, unit: unit, deviceClass: deviceClass, stateClass: stateClass, category: "diagnostic",
        precision: precision, availability: [Discovery.Source(topic: topics.availability.description)])
    }
    func share(_ key: String, _ name: String) -> Discovery.Entity {
      entity(
        key, name, "{{ (value_json.\(key) * 100) | round(1) if value_json.\(key) is number else None }}", unit: "%",
        stateClass: "measurement", precision: 1)
    }
    var status = entity("status", "Status", "{{ value_json.status }}", deviceClass: "enum")
    status.options = ["connected", "offline", "disconnected"]
    // Not before there is a time: older versions complain of none.
    let lastSeen = entity("last_seen", "Last seen", "{{ value_json.read_at }}", deviceClass: "timestamp")
    var failure = entity("last_failure", "Last failure", "{{ value_json.failure['class'] if value_json.failure else 'none' }}")
    failure.attributes = "{{ (value_json.failure or {}) | tojson }}"
    let rssi = entity(
      "rssi", "Signal", "{{ value_json.rssi }}", unit: "dBm", deviceClass: "signal_strength", stateClass: "measurement")
    let always = [
      status,
      entity(
        "consecutive_failures", "Failures in a row", "{{ value_json.consecutive_failures }}", stateClass: "measurement"),
      entity(
        "deadline", "Deadline", "{{ value_json.deadline_s }}", unit: "s", deviceClass: "duration", stateClass: "measurement"),
      share("success_rate", "Success rate"), share("availability", "Availability"), failure,
    ]
    return always + (announced.wasRead ? [lastSeen] : []) + (announced.hasSignal ? [rssi] : [])
  }
}

extension Field {
  fileprivate var isOnOff: Bool { coding.isFlag || quantity == .problem }
  /// By what Home Assistant takes for a number.
  fileprivate var isMeasured: Bool { quantity.stateClass != nil || quantity.unit != nil }
}
