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

  package init(
    device: String, profile: String, unit: UInt8, model: String?, readings: [String: Reading], implausible: [String] = [],
    rawSign: [String] = []
  ) {
    self.device = device
    self.profile = profile
    self.unit = unit
    self.model = model
    self.readings = readings
    self.implausible = implausible
    self.rawSign = rawSign
  }
}

extension DeviceReadings: Codable {
  private enum CodingKeys: String, CodingKey {
    case device, profile, unit, model, readings, implausible
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
      rawSign: try fields.decodeIfPresent([String].self, forKey: .rawSign) ?? [])
    try bounded(.readings, readings.keys)
    try bounded(.implausible, implausible)
    try bounded(.rawSign, rawSign)
    try bounded(.model, [model ?? ""])
  }
}
