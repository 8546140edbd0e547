/// Text from outside made fit for a terminal, a log and a file: no control characters, bounded.
package enum Printable {
  /// Control and format characters (escapes, newlines, direction marks) become `?`; cut at a character's end within `maxBytes`.
  package static func text(_ text: String, maxBytes: Int) -> String {
    var result = ""
    var bytes = 0
    for character in text {
      let shown: Character = character.unicodeScalars.contains(where: isUnprintable) ? "?" : character
      bytes += String(shown).utf8.count
      guard bytes <= maxBytes else { break }
      result.append(shown)
    }
    return result
  }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: true
    default: false
    }
  }
}
