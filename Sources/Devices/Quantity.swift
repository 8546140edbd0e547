/// What is measured: its unit, and what it is to a publisher, so that publishers compute nothing. Words and rules are Home
/// Assistant's (device_class, state_class, entity category).
package struct Quantity: Equatable, Sendable {
  package enum StateClass: String, Sendable {
    case measurement
    /// Rises, and begins anew at any time.
    case totalIncreasing = "total_increasing"
  }

  package enum Category: String, Sendable {
    case diagnostic
  }

  /// A symbol, or `nil` for words and counts.
  package var unit: String?
  package var deviceClass: String?
  package var stateClass: StateClass?
  package var category: Category?
  /// Counts for the device's lifetime: it falls only where the device was exchanged or made to forget.
  package var isLifetime = false

  private static func measured(_ unit: String, _ deviceClass: String?) -> Quantity {
    Quantity(unit: unit, deviceClass: deviceClass, stateClass: .measurement)
  }

  package static let voltage = measured("V", "voltage")
  package static let current = measured("A", "current")
  package static let power = measured("W", "power")
  package static let apparentPower = measured("VA", "apparent_power")
  package static let frequency = measured("Hz", "frequency")
  package static let temperature = measured("°C", "temperature")
  /// A state of charge.
  package static let battery = measured("%", "battery")
  package static let share = measured("%", nil)
  /// Home Assistant has no class for ampere-hours.
  package static let capacity = measured("Ah", nil)

  /// Begins anew when the device's day does: at its dawn, not at midnight.
  package static let chargeToday = Quantity(unit: "Ah", stateClass: .totalIncreasing)
  package static let energyToday = Quantity(unit: "Wh", deviceClass: "energy", stateClass: .totalIncreasing)
  package static let energyTodayKWh = Quantity(unit: "kWh", deviceClass: "energy", stateClass: .totalIncreasing)
  package static let chargeTotal = Quantity(unit: "Ah", stateClass: .totalIncreasing, isLifetime: true)
  package static let energyTotal = Quantity(unit: "Wh", deviceClass: "energy", stateClass: .totalIncreasing, isLifetime: true)
  package static let energyTotalKWh = Quantity(
    unit: "kWh", deviceClass: "energy", stateClass: .totalIncreasing, isLifetime: true)
  package static let days = Quantity(
    unit: "d", deviceClass: "duration", stateClass: .totalIncreasing, category: .diagnostic, isLifetime: true)
  package static let times = Quantity(stateClass: .totalIncreasing, category: .diagnostic, isLifetime: true)

  /// One of a few words.
  package static let state = Quantity(deviceClass: "enum")
  /// On or off.
  package static let onOff = Quantity()
  /// On: there is one.
  package static let problem = Quantity(deviceClass: "problem", category: .diagnostic)
  /// Any words.
  package static let words = Quantity(category: .diagnostic)
  package static let number = Quantity(category: .diagnostic)

  /// The same, of interest only to whoever looks for a fault.
  package var diagnostic: Quantity {
    var quantity = self
    quantity.category = .diagnostic
    return quantity
  }
}
