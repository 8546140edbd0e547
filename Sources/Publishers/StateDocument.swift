import FoundationEssentials
import Policy
import Readings

/// The readings of a device: what it says, by its keys, and when it said so.
struct StateDocument: Encodable {
  private let status: DeviceStatus

  init(_ status: DeviceStatus) { self.status = status }

  private enum Key: String, CodingKey {
    case name, model, profile, readings, derived
    case readAt = "read_at"
    case testMode = "test_mode"
    case rawSign = "raw_sign"
  }

  private struct Value: Encodable {
    var value: Reading.Value

    func encode(to encoder: any Encoder) throws {
      var single = encoder.singleValueContainer()
      switch value {
      case .number(let number): try single.encode(number)
      case .text(let text): try single.encode(text)
      }
    }
  }

  /// Every key is always there; of `readings` those that have a value.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(status.name, forKey: .name)
    try fields.encode(status.model, forKey: .model)
    try fields.encode(status.profile, forKey: .profile)
    try fields.encode(status.readAt?.rfc3339, forKey: .readAt)
    try fields.encode(status.testMode, forKey: .testMode)
    try fields.encode(status.readings.mapValues { Value(value: $0.value) }, forKey: .readings)
    try fields.encode(status.derived, forKey: .derived)
    try fields.encode(status.rawSign, forKey: .rawSign)
  }
}
