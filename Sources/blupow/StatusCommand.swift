import ArgumentParser
import Policy
import Publishers
import Readings

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "What the running service knows: a line a device, then problems and what to do.",
    discussion: "Exit code: 0; 69 no service is running.")

  @Argument(help: "Devices by their names (default: all).")
  var names: [String] = []

  @Flag(help: "One JSON document, as of `poll --json`; with --watch one a line.")
  var json = false

  @Flag(help: "Once a second until Ctrl-C; where the output is no terminal, whenever something changed.")
  var watch = false

  @Flag(help: "The last events with their reasons, failures of long ago included, instead of the state of now.")
  var events = false

  func validate() throws {
    if events, watch { throw ValidationError("--events shows what was, --watch what is: one at a time.") }
  }

  func run() async throws {
    let client: StatusClient
    do throws(SocketTrouble) {
      client = StatusClient(try SocketPath.toAsk())
    } catch {
      Console.complain("\(error)")
      throw Console.exit(.unavailable)
    }
    let (names, isDocument) = (names, json)
    if events {
      let answer = await stoppable { () async -> Result<[FleetEvent], Trouble> in
        do throws(Trouble) { return .success(try await Self.events(client, names)) } catch { return .failure(error) }
      }
      guard let answer else { throw Console.exit(.tryAgain) }
      guard case .success(let events) = answer else { return try Self.end(answer.map { _ in }) }
      return try isDocument ? Console.json(EventDocument(events)) : Console.result(EventList(events).text)
    }
    if watch {
      let watching = FleetWatch(client: client, names: names, isDocument: isDocument)
      // Ctrl-C is how it ends.
      guard let outcome = await stoppable({ await watching.run() }) else { return }
      return try Self.end(outcome)
    }
    let answer = await stoppable { () async -> Result<FleetStatus, Trouble> in
      do throws(Trouble) { return .success(try await Self.ask(client, names)) } catch { return .failure(error) }
    }
    guard let answer else { throw Console.exit(.tryAgain) }
    guard case .success(let status) = answer else { return try Self.end(answer.map { _ in }) }
    if isDocument {
      try Console.json(status)
    } else {
      try Console.result(FleetOverview(status, colours: Console.hasColours).text)
    }
  }

  /// Why there is nothing to show.
  enum Trouble: Error {
    case service(ServiceTrouble)
    case unknown(String, known: [String])
  }

  static func ask(
    _ client: StatusClient, _ names: [String], within limit: Duration = .seconds(2)
  ) async throws(Trouble) -> FleetStatus {
    var status: FleetStatus
    do throws(ServiceTrouble) { status = try await client.status(within: limit) } catch { throw .service(error) }
    guard !names.isEmpty else { return status }
    let known = status.devices.map(\.name)
    if let unknown = names.first(where: { !known.contains($0) }) { throw .unknown(unknown, known: known) }
    status.devices.removeAll { !names.contains($0.name) }
    let addresses = Set(status.devices.map(\.address))
    // Those of bus, adapter and service concern every device.
    status.problems.removeAll { $0.address.map { !addresses.contains($0) } ?? false }
    return status
  }

  /// Those of bus, adapter and service concern every device.
  private static func events(_ client: StatusClient, _ names: [String]) async throws(Trouble) -> [FleetEvent] {
    let events: [FleetEvent]
    do throws(ServiceTrouble) { events = try await client.events() } catch { throw .service(error) }
    guard !names.isEmpty else { return events }
    let addresses = Set(try await ask(client, names).devices.map(\.address))
    return events.filter { event in
      event.device.map(names.contains) ?? event.address.map(addresses.contains) ?? true
    }
  }

  private static func end(_ outcome: Result<Void, Trouble>) throws {
    guard case .failure(let trouble) = outcome else { return }
    switch trouble {
    case .unknown(let name, let known):
      let names = Printable.text(known.joined(separator: ", "), maxBytes: 4000)
      throw ValidationError("No device is called '\(name)'; there are: \(names).")
    case .service(let trouble):
      Console.complain(trouble.description)
      throw Console.exit(trouble.exitCode)
    }
  }
}
