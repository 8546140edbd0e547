import Readings

/// What a family of devices answers: the pages of its manual and how to ask for them.
package struct Profile: Sendable {
  package var name: String
  /// Asked where no unit is configured; then, where that is silent, `otherUnit` once.
  package var unit: UInt8
  package var otherUnit: UInt8?
  /// How long one reply may take.
  package var replyTimeout: Duration
  package var gatt: ModuleGATT
  /// Required blocks first.
  package var blocks: [Block]
  package var fields: [Field]
  /// Keys that a device of this kind always has.
  package var required: [String]
  /// The family within the profile, by the module's advertised name and the device's model.
  package var variant: @Sendable (_ name: String?, _ model: String?) -> String?
  /// Computes what fields with the coding `derived` are.
  package var derive: @Sendable (inout Decoding, [String: Field]) -> Void
  /// The device's own record of days.
  package var dayPage: DayPage?

  package init(
    name: String, unit: UInt8 = ReadRequest.anyUnit, otherUnit: UInt8? = nil, replyTimeout: Duration,
    gatt: ModuleGATT = .serialLine, required: [String], blocks: [Block], fields: [Field], dayPage: DayPage? = nil,
    variant: @escaping @Sendable (String?, String?) -> String? = { _, _ in nil },
    derive: @escaping @Sendable (inout Decoding, [String: Field]) -> Void = { _, _ in }
  ) {
    self.name = name
    self.unit = unit
    self.otherUnit = otherUnit
    self.replyTimeout = replyTimeout
    self.gatt = gatt
    self.required = required
    self.blocks = blocks
    self.fields = fields
    self.dayPage = dayPage
    self.variant = variant
    self.derive = derive
  }

  package static let all: [Profile] = [.inverter, .controller, .dcdc, .battery, .shunt300]

  /// The word for a device that is to be told by what it answers.
  package static let automatic = "auto"

  package static func named(_ name: String) -> Profile? { all.first { $0.name == name } }

  /// One field for each key, in the page's order: how the families have it does not matter to whoever shows it.
  package var keys: [Field] {
    var seen: Set<String> = []
    return fields.filter { seen.insert($0.key).inserted }
  }

  package func field(_ key: String) -> Field? { fields.first { $0.key == key } }

  /// Whether how its registers are coded depends on the advertised name.
  package var needsName: Bool { fields.contains { $0.variants != nil } }

  /// Values and notes of what was answered.
  ///
  /// - Parameters:
  ///   - name: as the module advertises itself, where known.
  ///   - known: the model as read before, where it was.
  package func decode(_ answers: Answers, name: String?, model known: String?) -> Decoding {
    var decoding = Decoding(model: model(in: answers) ?? known)
    let variant = variant(name, decoding.model)
    var names: [String: [String]] = [:]
    var unread: Set<String> = []
    for field in fields where field.variants.map({ variant.map($0.contains) ?? false }) ?? true {
      guard let register = field.register else { continue }
      guard let words = answers.words(register, count: field.coding.words) else {
        if !field.isSupplement { unread.insert(field.key) }
        continue
      }
      guard field.isThere(in: answers) else { continue }
      decoding.note(field, field.decode(words, variant: variant), &names)
    }
    // That nothing is wrong is only said where all was read that could say otherwise.
    for (key, names) in names where !names.isEmpty || !unread.contains(key) {
      decoding.readings[key] = Reading(.text(Self.list(names)))
    }
    derive(&decoding, Dictionary(fields.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }))
    decoding.counters = fields.filter { $0.quantity.isLifetime && decoding.readings[$0.key] != nil }.map(\.key)
    if let dayPage { decoding.days = dayPage.decode(answers) }
    return decoding
  }

  private func model(in answers: Answers) -> String? {
    guard let page = field("model"), let register = page.register,
      let words = answers.words(register, count: page.coding.words),
      case .reading(let reading, _) = page.decode(words, variant: nil), case .text(let model) = reading.value
    else { return nil }
    return model
  }

  /// `none`, or the names, as many as one reading holds.
  private static func list(_ names: [String]) -> String {
    guard var text = names.first else { return "none" }
    for (index, name) in names.enumerated().dropFirst() {
      let left = names.count - index
      let more = left == 1 ? "" : ", and \(left - 1) more"
      guard text.utf8.count + name.utf8.count + 2 + more.utf8.count <= Wire.maxTextBytes else {
        return "\(text), and \(left) more"
      }
      text += ", \(name)"
    }
    return text
  }
}

extension Field {
  /// Whether the device has so many of these.
  fileprivate func isThere(in answers: Answers) -> Bool {
    guard let counted else { return true }
    return answers.words(counted.by, count: 1)?.first.map { Int($0) >= counted.number } ?? false
  }
}

extension Decoding {
  fileprivate mutating func note(_ field: Field, _ decoded: Field.Decoded, _ names: inout [String: [String]]) {
    switch decoded {
    case .reading(let reading, let hasRawSign):
      readings[field.key] = reading
      if hasRawSign { rawSign.append(field.key) }
    case .names(let some): names[field.key, default: []] += some
    case .implausible: implausible.append(field.key)
    case .missing: break
    }
  }
}
