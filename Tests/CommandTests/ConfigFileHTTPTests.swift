import Glibc
import MQTT
import Publishers
import Testing

@testable import blupow

/// The section `http`.
@Suite struct ConfigFileHTTPTests {
  private static let device = "devices:\n  - address: D8:B6:73:BF:4F:75\n"
  private static let token = "0123456789abcdef"

  private static func http(
    _ section: String, _ environment: [String: String] = [:], opensFiles: Bool = true
  ) throws -> HTTPSettings? {
    try ConfigFile.whole(section + device, file: "c.yaml", environment: environment, opensFiles: opensFiles).http
  }

  /// What is wrong; `nil`: it was taken.
  private static func mistake(_ section: String, _ environment: [String: String] = [:]) -> String? {
    do throws(ConfigError) {
      _ = try ConfigFile.whole(section + device, file: "c.yaml", environment: environment)
      return nil
    } catch {
      return error.description
    }
  }

  /// A directory with that file in it, for as long as `body` takes.
  private func with(_ name: String, _ text: String, _ body: (String) throws -> Void) throws {
    var template = Array("/tmp/blupow-token-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      unlink("\(directory)/\(name)")
      rmdir(directory)
    }
    let file = open("\(directory)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    let bytes = Array(text.utf8)
    #expect(write(file, bytes, bytes.count) == bytes.count)
    try body(directory)
  }

  @Test func `nothing is served unless a place is named`() throws {
    for section in ["", "http:\n", "http: {}\n"] { #expect(try Self.http(section) == nil) }
    let expected = HTTPSettings(address: "127.0.0.1", port: 8420)
    #expect(try Self.http("http: {listen: '127.0.0.1:8420'}\n") == expected)
    #expect(try Self.http("http:\n  listen: 127.0.0.1:8420\n") == expected)
    #expect(try Self.http("", ["BLUPOW_HTTP_LISTEN": "127.0.0.1:8420"]) == expected)
    #expect(try Self.http("http:\n  listen: '[::1]:1'\n", ["BLUPOW_HTTP_LISTEN": "127.0.0.1:8420"]) == expected)
    #expect(try Self.http("http:\n  listen: '[::1]:8420'\n") == HTTPSettings(address: "[::1]", port: 8420))
  }

  @Test func `every key of the example is a key`() throws {
    let lines = ConfigExample.text.split(separator: "\n").drop { !$0.hasPrefix("# http:") }
    for key in ConfigFile.httpScalars { #expect(lines.contains { $0.hasPrefix("#   \(key): ") }, "\(key)") }
    let section = lines.filter { !$0.hasPrefix("#   token_file: ") }.prefix(2).map { $0.dropFirst(2) + "\n" }
    #expect(try Self.http(section.joined()) == HTTPSettings(address: "127.0.0.1", port: 8420))
  }

  @Test func `a place that others reach takes a token, from a file or from systemd`() throws {
    let open = "http:\n  listen: 0.0.0.0:8420\n"
    try with("http.token", "\(Self.token)\r\nmore\n") { (directory: String) throws in
      let expected = HTTPSettings(address: "0.0.0.0", port: 8420, token: Secret(Self.token))
      #expect(try Self.http(open + "  token_file: \(directory)/http.token\n") == expected)
      #expect(try Self.http(open, ["BLUPOW_HTTP_TOKEN_FILE": "\(directory)/http.token"]) == expected)
      #expect(try Self.http(open, ["CREDENTIALS_DIRECTORY": directory]) == expected)
      #expect(try Self.http("http:\n  listen: localhost:8420\n", ["CREDENTIALS_DIRECTORY": directory])?.token != nil)
    }
    // The unit gives one of a newline where there is no file.
    try with("http.token", "\n") { (directory: String) throws in
      #expect(Self.mistake(open, ["CREDENTIALS_DIRECTORY": directory])?.contains("can be reached from other hosts") == true)
      #expect(try Self.http("http:\n  listen: localhost:8420\n", ["CREDENTIALS_DIRECTORY": directory])?.token == nil)
    }
    #expect(
      Self.mistake("", ["BLUPOW_HTTP_LISTEN": "[::]:8420"])
        == "BLUPOW_HTTP_LISTEN: http: [::]:8420 can be reached from other hosts: give a `token_file`, which they then need, or listen at 127.0.0.1."
    )
  }

  @Test func `a token that could be guessed is refused, and never shown`() throws {
    try with("http.token", "swordfish\n") { (directory: String) throws in
      let mistake = try #require(Self.mistake("http:\n  listen: 127.0.0.1:8420\n  token_file: \(directory)/http.token\n"))
      #expect(mistake == "c.yaml:3:15: http.token_file: the token is shorter than 16 bytes, and could be guessed.")
    }
    #expect(
      Self.mistake("", ["BLUPOW_HTTP_TOKEN": "x"])
        == "BLUPOW_HTTP_TOKEN: a token does not belong here: BLUPOW_HTTP_TOKEN_FILE names a file that holds it.")
    #expect("\(HTTPSettings(address: "127.0.0.1", port: 1, token: Secret(Self.token)))".contains(Self.token) == false)
  }

  @Test func `who does not serve need not read the token`() throws {
    let unreadable = "http:\n  listen: 0.0.0.0:8420\n  token_file: /nonexistent/x\n"
    #expect(Self.mistake(unreadable) != nil)
    #expect(try Self.http(unreadable, opensFiles: false) != nil)
  }
}
