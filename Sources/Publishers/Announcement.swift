import Devices
import Policy
import Readings

/// What Home Assistant is told that a device is and has. It only grows, so that an entity does not come and go with single polls; it is
/// kept over restarts.
struct Announcement: Equatable, Sendable, Codable {
  var profile: String?
  /// Of readings that it has had, beside those that its profile always has.
  var keys: Set<String> = []
  /// Of an earlier profile: entities that are to be taken away.
  var gone: Set<String> = []
  var model: String?
  var serial: String?
  var firmware: String?
  var hardware: String?
  /// It was read: there is a time to show.
  var wasRead = false
  /// A poll of it has scanned, and heard it.
  var hasSignal = false

  private enum CodingKeys: String, CodingKey {
    case profile, keys, gone, model, serial, firmware, hardware
    case wasRead = "was_read"
    case hasSignal = "has_signal"
  }

  init() {}

  /// Sorted, so that the same is the same text.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encodeIfPresent(profile, forKey: .profile)
    try fields.encode(keys.sorted(), forKey: .keys)
    try fields.encode(gone.sorted(), forKey: .gone)
    try fields.encodeIfPresent(model, forKey: .model)
    try fields.encodeIfPresent(serial, forKey: .serial)
    try fields.encodeIfPresent(firmware, forKey: .firmware)
    try fields.encodeIfPresent(hardware, forKey: .hardware)
    try fields.encode(wasRead, forKey: .wasRead)
    try fields.encode(hasSignal, forKey: .hasSignal)
  }

  /// Keys that have an entity, in the order of the profile's page.
  var fields: [Field] {
    guard let page = profile.flatMap(Profile.named) else { return [] }
    return page.keys.filter { keys.contains($0.key) || page.required.contains($0.key) }
  }

  /// What the device shows now.
  mutating func learn(_ status: DeviceStatus) {
    wasRead = wasRead || status.readAt != nil
    guard let page = Profile.named(status.profile) else { return }
    if let profile, profile != status.profile {
      gone.formUnion(fields.map(\.key))
      (keys, model, serial, firmware, hardware) = ([], nil, nil, nil, nil)
    }
    profile = status.profile
    keys.formUnion(page.keys.map(\.key).filter { status.readings[$0] != nil })
    gone.subtract(fields.map(\.key))
    model = status.model ?? model
    serial = Self.word(status, "serial_number") ?? serial
    firmware = Self.word(status, "firmware_version") ?? firmware
    hardware = Self.word(status, "hardware_version") ?? hardware
    hasSignal = hasSignal || status.rssi != nil
  }

  private static func word(_ status: DeviceStatus, _ key: String) -> String? {
    switch status.readings[key]?.value {
    case .text(let text): text
    case .number(let number): number == number.rounded() ? "\(Int(number))" : "\(number)"
    case nil: nil
    }
  }
}
