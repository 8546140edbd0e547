import Policy
import Readings
import Supervisor
import Synchronization

/// What the demo simulates, and how it misbehaves.
struct DemoScene: Sendable {
  private struct Actor: Sendable {
    var name: String
    var address: String
    var unit: UInt8
  }

  private static let inverter = Actor(name: "Inverter", address: "D8:B6:73:BF:4F:75", unit: 32)
  private static let second = Actor(name: "Workshop", address: "D8:B6:73:BF:4F:76", unit: 32)

  private let actors: [Actor]
  private let link: LinkChoice
  let origins = Origins()

  init(faults: Bool, link: LinkChoice) {
    actors = faults ? [Self.inverter, Self.second] : [Self.inverter]
    self.link = link
  }

  /// What carries its polls.
  var links: String {
    switch link {
    case .auto, .kernel:
      "Links: the kernel's own, with sockets of the simulator's in the radio's place. --link bluez takes bluetoothd's."
    case .bluez: "Links: bluetoothd's, over D-Bus. --link kernel takes the kernel's own."
    }
  }

  /// The simulator's configuration.
  var setup: [UInt8] {
    let modules = actors.map { actor in
      """
      {"address":"\(actor.address)","name":"BTRIC134000035   ","vary":true,
       "devices":[{"unit":\(actor.unit),"registers":"RIV4835CSH1S"}]}
      """
    }
    return Array("{\"modules\":[\(modules.joined(separator: ","))]}".utf8)
  }

  /// Shorter times than a real service's, so that there is something to see.
  var config: GatewayConfig {
    GatewayConfig(
      name: "demo", interval: .seconds(5), timeout: .fixed(.seconds(15)), link: link,
      devices: actors.compactMap { actor in
        Address(actor.address).map {
          DeviceConfig(name: actor.name, address: $0, profile: "inverter", unit: actor.unit, testMode: true)
        }
      })
  }

  private static let misbehaviour: [(what: String, faults: String)] = [
    ("drops the link in the middle of a poll", #"{"fault":"drop_link","from_request":3}"#),
    ("behaves again", ""),
    ("answers with damaged frames", #"{"fault":"wrong_crc"}"#),
    ("behaves again", ""),
    ("does not answer at all", #"{"fault":"silent"}"#),
    ("behaves again", ""),
    ("refuses connections", #"{"fault":"connect_error"}"#),
    ("behaves again", ""),
  ]

  /// Every ten seconds the second device changes its ways; the first one must not notice.
  func misbehave(_ simulation: Simulation) async throws {
    while true {
      for (what, faults) in Self.misbehaviour {
        try await Task.sleep(for: .seconds(10))
        Console.print("--- from now on \(Self.second.name) \(what)\n")
        simulation.tell("{\"do\":\"faults\",\"address\":\"\(Self.second.address)\",\"faults\":[\(faults)]}")
      }
    }
  }
}

/// Which of the simulated registers are real frames, as the simulator says it.
final class Origins: Sendable {
  private struct Line: Decodable {
    var saw: String
    var origin: String?
    var register: Int?
    var model: String?
    var source: String?
    var id: String?
  }

  private let lines = Mutex<[Line]>([])

  func note(_ line: [UInt8]) {
    guard let parsed = try? Wire.decode(Line.self, from: line), parsed.saw == "registers" else { return }
    lines.withLock { $0.append(parsed) }
  }

  var text: String {
    let lines = lines.withLock { $0 }
    let captured = lines.filter { $0.origin == "capture" }
    let built = lines.filter { $0.origin != "capture" }
    func registers(_ lines: [Line]) -> String {
      Set(lines.compactMap(\.register)).sorted().map(String.init).joined(separator: ", ")
    }
    let models = Set(captured.compactMap(\.model)).sorted().joined(separator: ", ")
    let sources = Set(captured.compactMap(\.source)).sorted().joined(separator: ", ")
    return """
      Registers \(registers(captured)): frames captured from a real \(models) (\(sources)).
      Registers \(registers(built)): built from the register table.
      """
  }
}
