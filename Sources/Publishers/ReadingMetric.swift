import Devices
import Readings

/// What a key of readings is among the metrics, by what the profiles' pages say of it (`protocol/metrics.md`).
struct ReadingMetric {
  let family: Exposition.Family
  /// Of several alike: which one.
  let label: (name: String, value: String)?
  private let field: Field
  private let scale: Scale?

  /// Into the base unit; a divisor where that is exact.
  private struct Scale {
    var unit: String
    var factor = 1.0
    var divisor = 1.0
    /// What a key says of its unit itself.
    var said: [String] = []
  }

  private static let scales: [String: Scale] = [
    "V": Scale(unit: "volts"), "A": Scale(unit: "amperes"), "W": Scale(unit: "watts"), "VA": Scale(unit: "voltamperes"),
    "Hz": Scale(unit: "hertz"), "°C": Scale(unit: "celsius"), "%": Scale(unit: "ratio", divisor: 100, said: ["percentage"]),
    "Ah": Scale(unit: "coulombs", factor: 3600, said: ["amp", "hours"]), "Wh": Scale(unit: "joules", factor: 3600),
    "kWh": Scale(unit: "joules", factor: 3_600_000), "d": Scale(unit: "seconds", factor: 86_400, said: ["days"]),
  ]

  /// What is said of a device once, beside its name.
  static let infoKeys = ["model", "serial_number", "firmware_version", "hardware_version"]
  /// A Modbus unit is no measurement.
  private static let unmeasured: Set<String> = Set(infoKeys + ["device_id"])

  /// Every key of every profile that is one, in the pages' order.
  static let all: [ReadingMetric] = {
    var seen: Set<String> = []
    return Profile.all.flatMap(\.keys).filter { seen.insert($0.key).inserted }.compactMap { ReadingMetric($0) }
  }()

  private static let byProfile = Dictionary(
    uniqueKeysWithValues: Profile.all.map { profile in
      (profile.name, profile.keys.compactMap { field in ReadingMetric(field).map { (field.key, $0) } })
    })

  /// Those of a profile, by their keys.
  static func of(_ profile: String) -> [(key: String, metric: ReadingMetric)] { byProfile[profile] ?? [] }

  /// `nil`: it is none.
  init?(_ field: Field) {
    guard !Self.unmeasured.contains(field.key) else { return nil }
    self.field = field
    scale = field.quantity.unit.flatMap { Self.scales[$0] }
    var words = field.key.split(separator: "_").map(String.init)
    let number = words.last.flatMap { Int($0) == nil ? nil : $0 }
    if number != nil { words.removeLast() }
    label = number.map { (words[0] == "cell" ? "cell" : "sensor", $0) }
    let key = words.joined(separator: "_")
    let isTotal = field.quantity.isLifetime
    if isTotal, words.last == "total" { words.removeLast() }
    // "_count" is a histogram's.
    if words == ["cell", "count"] { words = ["cells"] }
    if let scale { words = words.filter { !scale.said.contains($0) } + [scale.unit] }
    if isTotal { words.append("total") }
    family = Exposition.Family(
      (["blupow"] + words).joined(separator: "_"), "The reading \(key)\(scale.map { ", in \($0.unit)" } ?? "").",
      isTotal ? .counter : .gauge)
  }

  /// `nil`: the reading is not what the page says.
  ///
  /// - Returns: a word is 1, in the label `state`; on is 1 and off 0.
  func sample(_ reading: Reading) -> (state: String?, value: Double)? {
    switch reading.value {
    case .number(let number):
      guard reading.unit == field.quantity.unit else { return nil }
      guard let scale else { return (nil, number) }
      // Of what a register can say no thousandth of a joule or coulomb is lost.
      return (nil, scale.factor == 1 ? number / scale.divisor : (number * scale.factor * 1000).rounded() / 1000)
    case .text(let text):
      guard field.coding.isFlag || field.quantity == .problem else { return (text, 1) }
      return ["off": 0.0, "on": 1.0][text].map { (nil, $0) }
    }
  }
}
