import FoundationEssentials

/// All that one device answered, in one poll.
package struct DeviceReadings: Equatable, Sendable {
  package var device: String
  package var profile: String
  /// The Modbus unit that answered.
  package var unit: UInt8
  package var model: String?
  /// By key, as the profile's page names it.
  package var readings: [String: Reading]
  /// Keys whose value was outside what the quantity can be: missing, and counted.
  package var implausible: [String]
  /// Keys that keep the register's own sign, because this model's convention is not known.
  package var rawSign: [String]
  /// Keys that were computed from others of this poll.
  package var derived: [String]
  /// Keys that count for a lifetime: they rise, or the device was exchanged or made to forget.
  package var counters: [String]
  /// How the profile was told, where it was `auto`.
  package var confidence: Confidence?
  /// What the device keeps of days past, where that was asked for; the latest first.
  package var days: [DayReadings]

  package init(
    device: String, profile: String, unit: UInt8, model: String?, readings: [String: Reading], implausible: [String] = [],
    rawSign: [String] = [], derived: [String] = [], counters: [String] = [], confidence: Confidence? = nil,
    days: [DayReadings] = []
  ) {
    self.device = device
    self.profile = profile
    self.unit = unit
    self.model = model
    self.readings = readings
    self.implausible = implausible
    self.rawSign = rawSign
    self.derived = derived
    self.counters = counters
    self.confidence = confidence
    self.days = days
  }
}

/// One day of a device's own record.
package struct DayReadings: Equatable, Sendable, Codable {
  /// 0: the day that is not over.
  package var daysAgo: Int
  package var readings: [String: Reading]

  package init(daysAgo: Int, readings: [String: Reading]) {
    self.daysAgo = daysAgo
    self.readings = readings
  }

  private enum CodingKeys: String, CodingKey {
    case daysAgo = "days_ago"
    case readings
  }
}

extension DeviceReadings: Codable {
  private enum CodingKeys: String, CodingKey {
    case device, profile, unit, model, readings, implausible, derived, counters, confidence, days
    case rawSign = "raw_sign"
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    func bounded(_ key: CodingKeys, _ keys: some Collection<String>) throws {
      guard keys.count <= Wire.maxReadings, keys.allSatisfy({ $0.utf8.count <= Wire.maxNameBytes }) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: fields,
          debugDescription: "more than \(Wire.maxReadings) keys, or one of more than \(Wire.maxNameBytes) bytes")
      }
    }
    self.init(
      device: try fields.decode(String.self, forKey: .device),
      profile: try fields.decode(String.self, forKey: .profile),
      unit: try fields.decode(UInt8.self, forKey: .unit),
      model: try fields.decodeIfPresent(String.self, forKey: .model),
      readings: try fields.decode([String: Reading].self, forKey: .readings),
      implausible: try fields.decodeIfPresent([String].self, forKey: .implausible) ?? [],
      rawSign: try fields.decodeIfPresent([String].self, forKey: .rawSign) ?? [],
      derived: try fields.decodeIfPresent([String].self, forKey: .derived) ?? [],
      counters: try fields.decodeIfPresent([String].self, forKey: .counters) ?? [],
      confidence: try fields.decodeIfPresent(Confidence.self, forKey: .confidence),
      days: try fields.decodeIfPresent([DayReadings].self, forKey: .days) ?? [])
    try bounded(.readings, readings.keys)
    try bounded(.implausible, implausible)
    try bounded(.rawSign, rawSign)
    try bounded(.derived, derived)
    try bounded(.counters, counters)
    try bounded(.model, [model ?? ""])
    for day in days { try bounded(.days, day.readings.keys) }
    guard days.count <= Wire.maxDays, days.allSatisfy({ (0..<Wire.maxDays).contains($0.daysAgo) }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .days, in: fields, debugDescription: "more than \(Wire.maxDays) days, or one further back")
    }
  }

  /// What is not there has no key.
  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(device, forKey: .device)
    try fields.encode(profile, forKey: .profile)
    try fields.encode(unit, forKey: .unit)
    try fields.encodeIfPresent(model, forKey: .model)
    try fields.encode(readings, forKey: .readings)
    try fields.encode(implausible, forKey: .implausible)
    try fields.encode(rawSign, forKey: .rawSign)
    if !derived.isEmpty { try fields.encode(derived, forKey: .derived) }
    if !counters.isEmpty { try fields.encode(counters, forKey: .counters) }
    try fields.encodeIfPresent(confidence, forKey: .confidence)
    if !days.isEmpty { try fields.encode(days, forKey: .days) }
  }
}
