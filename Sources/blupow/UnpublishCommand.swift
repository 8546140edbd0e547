import ArgumentParser
import MQTT
import Policy
import Publishers
import Readings

/// Takes away everything that this gateway ever published.
struct UnpublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpublish",
    abstract:
      "Take everything that this gateway has published away from the MQTT broker; its devices vanish from Home Assistant.",
    discussion:
      "What stands at the broker is looked for there, so that it is found whatever this host remembers. The service must not run."
  )

  @Option(help: "The configuration (default: $BLUPOW_CONFIG, else /etc/blupow/blupow.yaml).")
  var config: String?

  @Option(
    help: "The gateway's name (default: the configuration's). One that was called otherwise has left what it published then.")
  var gateway: String?

  func run() async throws {
    let whole = try Console.config(config)
    guard let settings = whole.mqtt else {
      Console.complain("\(ConfigFile.path(config)): there is no section `mqtt`, which says where the broker is.")
      throw Console.exit(.config)
    }
    let name = gateway ?? whole.gateway.name
    guard let level = TopicLevel(name) else { throw ValidationError("--gateway '\(name)' is no gateway's name.") }
    if let running = await Self.runningGateway(), running == name {
      Console.complain("The service runs, and would publish again: end it first (`systemctl stop blupow`).")
      throw Console.exit(.tryAgain)
    }
    let result = await stoppable { await Unpublisher(settings, gateway: level).run() }
    switch result {
    case nil: throw Console.exit(.tryAgain)
    case .failure(let trouble):
      Console.complain("\(trouble.message) \(trouble.advice)")
      throw Console.exit(.unavailable)
    case .success(let count): try Console.result("\(count) retained messages of the gateway \(name) were taken away.")
    }
  }

  /// The gateway that a service on this host is, where one answers.
  private static func runningGateway() async -> String? {
    guard let places = try? SocketPath.toAsk() else { return nil }
    return try? await StatusClient(places).status().gateway
  }
}
