import ArgumentParser
import Readings
import Supervisor

@main
struct Blupow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blupow",
    abstract: "Reads Renogy power gear over Bluetooth LE, each poll in a process of its own.",
    version: "blupow \(Wire.release)",
    subcommands: [
      RunCommand.self, DemoCommand.self, PollCommand.self, StatusCommand.self, HistoryCommand.self, HealthCommand.self,
      DoctorCommand.self,
      StabilityCommand.self, ScanCommand.self, DecodeCommand.self, UnpublishCommand.self, ConfigCommand.self,
    ])

  static func main() async {
    // What runs away from a worker must not outlive it. Nothing here starts a process but the spawner.
    Spawner.shared.adoptOrphans()
    await main(nil)
  }
}
