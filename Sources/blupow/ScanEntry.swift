import Devices
import Policy
import Readings

/// A module that was heard, and who answers behind it where that was asked.
struct ScanEntry: Equatable {
  var address: Address
  var name: String?
  var rssi: Int?
  var adapter: String
  /// The one that its name tells.
  var profile: String?
  var isConfigured: Bool
  /// `nil`: nobody was asked.
  var devices: [Found]?

  init(_ seen: SeenDevice, isConfigured: Bool) {
    address = seen.address
    name = seen.name
    rssi = seen.rssi
    adapter = seen.adapter
    profile = seen.profile
    self.isConfigured = isConfigured
  }

  /// One line of what answers, for a person.
  static func text(of found: Found) -> String {
    let unit = isNamed(found) ? "unit \(found.unit)" : "no unit"
    let proof =
      switch found.confidence {
      case .name: "by the module's name"
      case .model: "by its model"
      case .guess: "a guess: it answers such registers"
      }
    let model = found.model.map { " \(Printable.text($0, maxBytes: Wire.maxNameBytes))" } ?? ""
    return "\(unit.padded(to: 8))  \(found.profile.padded(to: 10))\(model) (\(proof))"
  }

  /// Whether its unit is one that a configuration could name: a module that is listened to only has none.
  private static func isNamed(_ found: Found) -> Bool { found.unit != 0 && found.profile != ConfigFile.shunt }
}

// MARK: - Configuration

extension ScanEntry {
  /// Entries that `config check` takes together, of what is not configured; a comment where this release lacks the profile.
  static func config(of entries: [ScanEntry], takenNames: Set<String> = []) -> [String] {
    var taken = takenNames
    return entries.filter { !$0.isConfigured }.flatMap { $0.config(&taken) }
  }

  private func config(_ taken: inout Set<String>) -> [String] {
    guard let devices, !devices.isEmpty else {
      return [config(name: name(nil, &taken), profile: profile ?? DeviceConfig.automatic, unit: nil)]
    }
    return devices.map { found in
      let namesUnit = Self.isNamed(found) && (found.unit != ReadRequest.anyUnit || devices.count > 1)
      return config(
        name: name(devices.count > 1 ? found.unit : nil, &taken), profile: found.profile, unit: namesUnit ? found.unit : nil)
    }
  }

  /// No other entry's: with the unit where several answer, then with the address's end, then with all of it.
  private func name(_ unit: UInt8?, _ taken: inout Set<String>) -> String {
    let end = unit.map { " \($0)" } ?? ""
    let names = ["", " \(address.text.suffix(5))", " \(address)"].map { Self.fit(name ?? address.text, $0 + end) }
    let free = names.first { !taken.contains($0) } ?? "\(address)\(end)"
    taken.insert(free)
    return free
  }

  /// Within what a name may have, with its end whole.
  private static func fit(_ text: String, _ end: String) -> String {
    var text = text
    while text.utf8.count + end.utf8.count > Wire.maxNameBytes { text.removeLast() }
    return text + end
  }

  private func config(name: String, profile: String, unit: UInt8?) -> String {
    guard profile == DeviceConfig.automatic || Profile.named(profile) != nil else {
      return "  # \(name) at \(address): its profile \(profile) is not in this release"
    }
    var lines = ["  - name: \(Self.quoted(name))", "    address: \(address)", "    profile: \(profile)"]
    if let unit { lines.append("    unit: \(unit)") }
    // How a battery codes its values depends on it, and what a module calls itself in its own table need not be the same.
    if let advertised = self.name, profile == "battery" || AdvertisedName(advertised).profile == "battery" {
      lines.append("    advertised: \(Self.quoted(advertised))")
    }
    return lines.joined(separator: "\n")
  }

  private static func quoted(_ text: String) -> String {
    "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }
}

// MARK: - JSON

extension ScanEntry: Encodable {
  private enum Key: String, CodingKey { case address, name, rssi, adapter, profile, confidence, configured, devices }

  private struct Device: Encodable {
    var found: Found

    private enum Key: String, CodingKey { case unit, profile, confidence, model }

    func encode(to encoder: any Encoder) throws {
      var fields = encoder.container(keyedBy: Key.self)
      try fields.encode(found.unit, forKey: .unit)
      try fields.encode(found.profile, forKey: .profile)
      try fields.encode(found.confidence, forKey: .confidence)
      try fields.encode(found.model, forKey: .model)
    }
  }

  /// Every key is always there.
  func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(address, forKey: .address)
    try fields.encode(name, forKey: .name)
    try fields.encode(rssi, forKey: .rssi)
    try fields.encode(adapter, forKey: .adapter)
    try fields.encode(profile, forKey: .profile)
    try fields.encode(profile == nil ? nil : Confidence.name, forKey: .confidence)
    try fields.encode(isConfigured, forKey: .configured)
    try fields.encode(devices.map { $0.map(Device.init) }, forKey: .devices)
  }
}
