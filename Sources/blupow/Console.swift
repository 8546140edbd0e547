import ArgumentParser
import FoundationEssentials
import Glibc
import Logging
import Policy
import Readings

/// Where a command's words go: results to standard output, everything else to standard error.
enum Console {
  /// What became of words.
  enum Outcome: Sendable {
    case written
    /// The reader reads nothing at the moment.
    case stalled
    /// There is no reader, or no room.
    case gone
  }

  @discardableResult static func print(_ text: String, end: String = "\n") -> Outcome { write(text + end, to: STDOUT_FILENO) }

  /// Only where a person looks on, and nobody asked for none.
  static var hasColours: Bool {
    let isUnwanted = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
    return isatty(STDOUT_FILENO) == 1 && !isUnwanted
  }

  static func complain(_ text: String) { _ = write(text + "\n", to: STDERR_FILENO) }

  /// The log: dropped rather than waited for.
  static func log(_ text: String) -> Outcome { write(text + "\n", to: STDERR_FILENO, patience: .milliseconds(100)) }

  /// A command's result. One that cannot be written is no success.
  static func result(_ text: String) throws {
    guard print(text) == .written else {
      complain("The result could not be written to standard output.")
      throw exit(.software)
    }
  }

  /// A part of a long result. Waits for who reads it, however slowly; one who has read enough (`head`) ends the command, and all is well.
  static func stream(_ text: String) throws {
    guard write(text, to: STDOUT_FILENO, patience: nil) == .written else {
      if errno == EPIPE { throw ArgumentParser.ExitCode.success }
      complain("The result could not be written to standard output.")
      throw exit(.software)
    }
  }

  /// One JSON document.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    try result(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  static func logger(_ level: Logger.Level) -> Logger {
    var logger = Logger(label: "blupow") { ConsoleLog(label: $0) }
    logger.logLevel = level
    return logger
  }

  /// The configuration, or its mistake on standard error and exit code 78.
  static func config(_ path: String?) throws -> ConfigFile.Whole {
    try orExplain { () throws(ConfigError) in try ConfigFile.load(ConfigFile.path(path)) }
  }

  /// What of it polls need.
  ///
  /// - Parameter link: for every device, in place of the configuration's.
  static func gatewayConfig(_ path: String?, link: LinkChoice? = nil) throws -> GatewayConfig {
    var config = try orExplain { () throws(ConfigError) in try ConfigFile.loadGateway(ConfigFile.path(path)) }
    if let link {
      config.link = link
      for index in config.devices.indices { config.devices[index].link = nil }
    }
    return config
  }

  private static func orExplain<Config>(_ load: () throws(ConfigError) -> Config) throws -> Config {
    do {
      return try load()
    } catch {
      complain(error.description)
      throw exit(.config)
    }
  }

  static func exit(_ code: Readings.ExitCode) -> ArgumentParser.ExitCode { ArgumentParser.ExitCode(code.rawValue) }

  /// In pieces that a pipe takes whole, each waited for as long as `patience` (`nil`: for ever): a reader that stopped reading must not hold the
  /// service, nor keep a signal from ending a command.
  private static func write(_ text: String, to descriptor: Int32, patience: Duration? = .seconds(1)) -> Outcome {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      var polled = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
      let ready = poll(&polled, 1, patience.map { Int32($0.milliseconds) } ?? -1)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return .stalled }
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, min($0.count, Int(PIPE_BUF))) }
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        return .gone
      }
      rest = rest.dropFirst(count)
    }
    return .written
  }
}
