import ArgumentParser
import Foundation
import Glibc
import Policy
import Publishers
import Readings
import Store

struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "What polls came to and what was read, as a service has written it down.",
    discussion: """
      It is read from the file, whether a service runs or not; what came in the last five minutes is not in it yet. Exit code: 0; 69 there is \
      no history, or it cannot be read; 64 a wrong argument.
      """)

  @Argument(help: "Devices by their names (default: all).")
  var names: [String] = []

  @Option(help: "How far back: 90m, 24h, 7d ...")
  var since = "24h"

  @Flag(help: "Every poll, as comma-separated values with a line of names.")
  var csv = false

  @Flag(help: "Every poll, one JSON document a line.")
  var json = false

  @Option(
    help: """
      The configuration that says where the history is (default: $BLUPOW_CONFIG, else where a running service has it, else \
      /etc/blupow/blupow.yaml).
      """)
  var config: String?

  private var range: Duration? { Duration(text: since).flatMap { $0 > .zero ? $0 : nil } }

  func validate() throws {
    if csv, json { throw ValidationError("--csv and --json are two forms of the same: one at a time.") }
    if range == nil {
      throw ValidationError("--since \(Printable.text(since, maxBytes: 40)) is not a time like 90m, 24h or 7d, at most 3650d.")
    }
  }

  func run() async throws {
    guard let directory = try await HistoryPlace.find(asked: config) else {
      Console.complain("Nothing says where the history is. Set state_dir in the configuration.")
      throw Console.exit(.unavailable)
    }
    let reader = HistoryReader(directory: directory)
    do {
      let known = try reader.devices()
      guard !known.isEmpty else { throw StoreError(.absent, directory) }
      let (to, devices) = (Date.now, try chosen(known))
      let from = to.addingTimeInterval(-(range ?? .zero).seconds)
      if csv || json {
        try write(HistoryExport(devices, isCSV: csv), of: reader, from, to)
      } else {
        for device in devices { try Console.stream(HistoryTable(device, reader, from: from, to: to).text) }
      }
    } catch let error as StoreError {
      Console.complain("\(error)")
      throw Console.exit(.unavailable)
    }
  }

  private func chosen(_ known: [HistoryDevice]) throws -> [HistoryDevice] {
    if let unknown = names.first(where: { name in !known.contains { $0.name == name } }) {
      let names = Printable.text(known.map(\.name).joined(separator: ", "), maxBytes: 4000)
      throw ValidationError("There is no history of a device '\(Printable.text(unknown, maxBytes: 64))'; there is of: \(names).")
    }
    return names.isEmpty ? known : known.filter { names.contains($0.name) }
  }

  private func write(_ export: HistoryExport, of reader: HistoryReader, _ from: Date, _ to: Date) throws {
    try Console.stream(export.head)
    for device in export.devices {
      var mark: HistoryReader.Mark?
      repeat {
        let page = try reader.polls(device: device.id, from: from, to: to, after: mark)
        try Console.stream(page.polls.map { export.line($0, of: device) }.joined())
        mark = page.more
      } while mark != nil
    }
  }
}

/// Where the history is.
enum HistoryPlace {
  /// Where the configuration that was asked for has it, if it says so (`state_dir`); else where a running service keeps it; else where one would by whatever
  /// configuration this host has. Ends the command where what was asked for cannot be read.
  ///
  /// - Parameter path: of a configuration.
  static func find(asked path: String?) async throws -> String? {
    if path != nil || getenv("BLUPOW_CONFIG") != nil {
      if let directory = try Console.gatewayConfig(path).stateDirectory { return directory }
    } else if let directory = ConfigFile.processEnvironment[ConfigFile.variable("state_dir")], !directory.isEmpty {
      return directory
    }
    if let directory = await ofService() { return directory }
    // A mistake in a configuration that nobody asked for is `blupow config check`'s to say.
    let configured = (try? ConfigFile.loadGateway(ConfigFile.path(path)))?.stateDirectory
    let environment = ProcessInfo.processInfo.environment
    let own = StateDirectory.path(configured: configured, environment: environment, isRoot: geteuid() == 0)
    let host = StateDirectory.path(configured: configured, environment: [:], isRoot: true)
    // A person's own directory is seldom where the host's service has it.
    return [own, host].compactMap(\.self).first { access($0, F_OK) == 0 } ?? own
  }

  private static func ofService() async -> String? {
    guard let places = try? SocketPath.toAsk() else { return nil }
    return try? await StatusClient(places).status(within: .seconds(2)).places?.stateDirectory
  }
}
