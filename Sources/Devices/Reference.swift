/// Every profile's page as a table for people: `protocol/readings.md`.
package enum Reference {
  package static var markdown: String {
    var text = """
      # What is read

      Every key of every profile, as the program has it: this page is written from the same lines that decode (`Sources/Devices`), and a test keeps
      them equal. A key is never renamed.

      - *register*: decimal, and hexadecimal as the vendor's documents have it. `byte N` is a byte of a pushed frame.
      - *coded*: `u16`, `s16`, `u32` (the high word first), bits of a word, a state by the low byte, a list of faults, a text. `/ 10` is the scale.
      - *within*: a value outside is not believed: it is missing, and its key is among `implausible`.
      - *Home Assistant*: device class, state class, category.
      - *source*: a frame of `Tests/Frames/renogy-frames.json` (`f048`), a capture that a public project has, the vendor's document, or the public project that has it.
      - *sure*: `proved` (a captured frame shows it), `document` (only the vendor's document says it), `claimed` (only that project does), `derived`
        (computed from others of the same poll: the readings say so).


      """
    for profile in Profile.all { text += page(profile) }
    return text
  }

  private static func page(_ profile: Profile) -> String {
    var text = "## \(profile.name)\n\n"
    text +=
      "Always there (a device whose blocks with these are not answered has failed): \(profile.required.map { "`\($0)`" }.joined(separator: ", ")).\n"
    if !profile.blocks.isEmpty {
      let unit = profile.otherUnit.map { "\(profile.unit), where that is silent \($0)" } ?? "\(profile.unit)"
      let blocks = profile.blocks.map { block in
        let instead = block.insteadOf.map { " where \($0) is not answered" } ?? ""
        return "\(block.name)\(block.need == .required ? "" : instead.isEmpty ? " optional" : instead)"
      }
      text += "Asked by unit \(unit): \(blocks.joined(separator: ", ")).\n"
    }
    text += "\n" + table(profile.fields)
    if let page = profile.dayPage {
      text += """

        Of days past, where they are asked for (`days` in a request): \(page.words) words from register \(page.first) + n are of the day n days ago; 0 is today.

        """
      text += "\n" + table(page.fields)
    }
    return text + "\n"
  }

  private static func table(_ fields: [Field]) -> String {
    var text = """
      | key | | unit | register | coded | within | Home Assistant | source | sure |
      |---|---|---|---|---|---|---|---|---|

      """
    for field in fields {
      let quantity = field.quantity
      let classes = [quantity.deviceClass, quantity.stateClass?.rawValue, quantity.category?.rawValue].compactMap(\.self)
      let variants = field.variants.map { " (\($0.sorted().joined(separator: ", ")))" } ?? ""
      let columns = [
        "`\(field.key)`\(variants)", field.name, field.unit ?? "", register(field),
        field.coding.words(decimals: field.coding.decimals),
        field.plausible.map { "\(plain($0.lowerBound)) to \(plain($0.upperBound))" } ?? "", classes.joined(separator: ", "),
        field.source, field.proof.rawValue,
      ]
      text += "| \(columns.joined(separator: " | ")) |\n"
    }
    return text
  }

  private static func register(_ field: Field) -> String {
    if case .pushed(let byte, let bytes, _, _) = field.coding {
      return bytes > 1 ? "bytes \(byte) to \(byte + bytes - 1)" : "byte \(byte)"
    }
    guard let register = field.register else { return "" }
    let digits = String(register, radix: 16, uppercase: true)
    return "\(register) (\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits))"
  }

  private static func plain(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }
}

extension Coding {
  fileprivate func words(decimals: Int) -> String {
    let scale = decimals == 0 ? "" : " / \([1, 10, 100, 1000][decimals])"
    func choices(_ names: [some BinaryInteger: String]) -> String {
      names.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
    switch self {
    case .unsigned: return "u16\(scale)"
    case .signed: return "s16\(scale)"
    case .signedByVariant(_, let factors):
      let signs = factors.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value > 0 ? "as it is" : "turned round")" }
      return "s16\(scale); \(signs.joined(separator: ", ")); others say that the sign is the register's"
    case .unsigned32: return "u32\(scale)"
    case .bits(let range): return "bits \(range.lowerBound) to \(range.upperBound - 1)"
    case .signMagnitude(let range): return "bits \(range.lowerBound) to \(range.upperBound - 1), the highest is the sign"
    case .flag(let bit): return "bit \(bit)"
    case .state(let states): return "state: \(choices(states))"
    case .faults(let count, let names): return "\(count * 16) bits: \(choices(names))"
    case .codes(let count, let names): return "up to \(count) codes: \(choices(names))"
    case .levels(_, let names): return "2 bits each, 1 low, 2 high, 3 wrong: \(names.compactMap(\.self).joined(separator: ", "))"
    case .text(let count): return "text of \(count * 2)"
    case .hex(let count): return "\(count * 2) bytes"
    case .version: return "the last three of four bytes"
    case .swapped: return "u16, the low byte first"
    case .cellVoltage: return "u16 / 10; / 1000 from raw 100 on"
    case .pushed(_, let bytes, let isSigned, _): return "\(isSigned ? "s" : "u")\(bytes * 8)\(scale)"
    case .derived: return ""
    }
  }
}
