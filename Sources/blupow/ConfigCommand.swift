import ArgumentParser
import MQTT
import Policy
import Publishers

struct ConfigCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check a configuration, or print one to begin with.",
    subcommands: [Check.self, Example.self])

  struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Validate a configuration; 78 if it is wrong.")

    @Argument(help: "The file (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
    var file: String?

    func run() async throws {
      let config = try Console.config(file)
      let published = config.mqtt.map { ", published at the MQTT broker \($0.broker.place)" } ?? ""
      let served = config.http.map { ", served at \($0.url)" } ?? ""
      try Console.result("\(ConfigFile.path(file)): \(config.gateway.counted)\(published)\(served), no mistakes.")
    }
  }

  struct Example: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "example", abstract: "Print a commented example.")

    func run() async throws { try Console.result(ConfigExample.text) }
  }
}
