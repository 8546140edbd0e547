import Glibc
import MQTT
import Publishers
import Readings
import Yams

extension ConfigFile {
  /// Settings of the section `http`; each can also be set by `BLUPOW_HTTP_` and its name in capitals.
  static let httpScalars = ["listen", "token_file"]
  static let tokenVariable = httpVariable("token")
  /// Shorter ones can be guessed.
  private static let minTokenBytes = 16
  private static let tokenCredential = "http.token"

  static func httpVariable(_ scalar: String) -> String { "BLUPOW_HTTP_" + scalar.uppercased() }

  /// `nil`: nothing is served over TCP.
  ///
  /// - Parameter opensFiles: who does not serve may not be allowed to read the token.
  static func http(
    _ node: Node?, file: String, environment: [String: String], opensFiles: Bool
  ) throws(ConfigError) -> HTTPSettings? {
    if environment[tokenVariable] != nil {
      throw ConfigError(
        tokenVariable, "a token does not belong here: \(httpVariable("token_file")) names a file that holds it.")
    }
    let section = if let node, node.scalar?.string != "" { node } else { Node.mapping([:]) }
    var fields = try YAMLFields(section, file: file, path: "http", known: httpScalars)
    if let (_, node) = try fields.text("token") {
      throw fields.wrong(
        "token", node, "a token does not belong here: write it into a file of its own, and name that by `token_file`.")
    }
    var settings: HTTPSettings?
    var token: Secret?
    try apply(&fields, &settings, &token, opensFiles)
    try fields.finish()
    for name in httpScalars {
      guard let value = environment[httpVariable(name)] else { continue }
      fields = try YAMLFields(
        Node.mapping(.init([(Node(name), Node(value))])), file: httpVariable(name), path: "http", known: httpScalars)
      try apply(&fields, &settings, &token, opensFiles)
    }
    guard var settings else { return nil }
    if opensFiles, token == nil { token = try credential(tokenCredential, "token", environment) }
    settings.token = token
    if opensFiles {
      if token == nil, !settings.isLoopback {
        throw fields.wrong(
          of: ["listen"],
          "\(settings.place) can be reached from other hosts: give a `token_file`, which they then need, or listen at 127.0.0.1.")
      }
      if let token, token.text.utf8.count < minTokenBytes {
        throw fields.wrong(of: ["token_file"], "the token is shorter than \(minTokenBytes) bytes, and could be guessed.")
      }
    }
    return settings
  }

  private static func apply(
    _ fields: inout YAMLFields, _ settings: inout HTTPSettings?, _ token: inout Secret?, _ opensFiles: Bool
  ) throws(ConfigError) {
    settings =
      try fields.value("listen", "an address and a port like 127.0.0.1:8420 or [::1]:8420") { HTTPSettings($0) } ?? settings
    token = try fields.secret("token_file", "token", opens: opensFiles) ?? token
  }
}
