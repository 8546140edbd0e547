package import Readings

/// A transcript's first line: what is needed to decode the rest, and nothing that names a device among all others.
package struct TranscriptHead: Equatable, Sendable {
  /// One of several devices behind a module.
  package struct Device: Equatable, Sendable, Codable {
    /// As it was asked; `nil`: the profile's own.
    package var unit: UInt8?
    package var profile: String
    package var model: String?

    package init(unit: UInt8?, profile: String, model: String? = nil) {
      self.unit = unit
      self.profile = profile
      self.model = model
    }
  }

  package var profile: String?
  /// Of the advertised name what tells the family.
  package var name: String?
  package var model: String?
  package var devices: [Device]

  package init(profile: String? = nil, name: String? = nil, model: String? = nil, devices: [Device] = []) {
    self.profile = profile
    self.name = name
    self.model = model
    self.devices = devices
  }

  /// What a recording of a poll says of itself. The name is masked.
  package init(of devices: [DeviceRequest], behind name: String?) {
    let only = devices.count == 1 ? devices.first : nil
    self.init(
      profile: only.map { $0.identity?.profile ?? $0.profile }, name: name.map { AdvertisedName($0).mask }, model: only?.model,
      devices: only == nil || only?.unit != nil
        ? devices.map { Device(unit: $0.unit, profile: $0.identity?.profile ?? $0.profile, model: only == nil ? $0.model : nil) }
        : [])
  }

  /// What the file says of a unit that answers.
  package func device(_ unit: UInt8) -> Device? {
    if let named = devices.first(where: { $0.unit == unit }) { return named }
    // Asked by the universal unit, it may answer by its own.
    if devices.count == 1, [nil, ReadRequest.anyUnit].contains(devices[0].unit) { return devices[0] }
    return nil
  }
}

extension TranscriptHead: Codable {
  private enum Key: String, CodingKey { case transcript, profile, name, model, devices }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let version = try fields.decode(Int.self, forKey: .transcript)
    guard version == Transcript.version else {
      throw DecodingError.dataCorruptedError(
        forKey: .transcript, in: fields, debugDescription: "version \(version) is not \(Transcript.version), which is read here")
    }
    func text(_ key: Key) throws -> String? {
      guard let text = try fields.decodeIfPresent(String.self, forKey: key) else { return nil }
      guard text == Printable.text(text, maxBytes: Wire.maxNameBytes) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: fields, debugDescription: "a text of more than \(Wire.maxNameBytes) bytes, or with control characters")
      }
      return text
    }
    self.init(profile: try text(.profile), name: try text(.name), model: try text(.model))
    devices = try fields.decodeIfPresent([Device].self, forKey: .devices) ?? []
    guard devices.count <= Wire.maxDevices,
      devices.allSatisfy({ $0.profile.utf8.count <= Wire.maxNameBytes && ($0.model ?? "").utf8.count <= Wire.maxNameBytes })
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .devices, in: fields, debugDescription: "more than \(Wire.maxDevices) devices, or a name that is too long")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(Transcript.version, forKey: .transcript)
    try fields.encodeIfPresent(profile, forKey: .profile)
    try fields.encodeIfPresent(name, forKey: .name)
    try fields.encodeIfPresent(model, forKey: .model)
    if !devices.isEmpty { try fields.encode(devices, forKey: .devices) }
  }
}
