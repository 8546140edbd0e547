import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Policy
import Readings

/// Where a command's words go: results to standard output, everything else to standard error.
enum Console {
  /// Whether all of it went out: nobody may be reading any more.
  @discardableResult static func print(_ text: String) -> Bool { write(text + "\n", to: STDOUT_FILENO) }

  @discardableResult static func complain(_ text: String) -> Bool { write(text + "\n", to: STDERR_FILENO) }

  /// One JSON document.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  static func logger(_ level: Logger.Level) -> Logger {
    var logger = Logger(label: "blupow") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
  }

  /// The configuration, or its mistake on standard error and exit code 78.
  static func config(_ path: String?) throws -> GatewayConfig {
    do {
      return try ConfigFile.load(ConfigFile.path(path))
    } catch {
      complain(error.description)
      throw ArgumentParser.ExitCode(Readings.ExitCode.config.rawValue)
    }
  }

  static func exit(_ code: Readings.ExitCode) -> ArgumentParser.ExitCode { ArgumentParser.ExitCode(code.rawValue) }

  private static func write(_ text: String, to descriptor: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
