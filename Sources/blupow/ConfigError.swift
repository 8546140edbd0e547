import Readings

/// A mistake in the configuration: what, where (file:line:column), and how to mend it. Exit code 78.
struct ConfigError: Error, Equatable, CustomStringConvertible {
  var description: String

  init(_ file: String, line: Int? = nil, column: Int? = nil, _ text: String) {
    let place = [file, line.map { "\($0)" }, line == nil ? nil : column.map { "\($0)" }].compactMap(\.self).joined(separator: ":")
    // What a file says may be anything; this goes to terminals and logs.
    description = Printable.text("\(place): \(text)", maxBytes: 2000)
  }
}
