import Policy
import Readings
import Supervisor
import Synchronization

/// What the demo simulates, and how it misbehaves.
struct DemoScene: Sendable {
  /// A module, and what stands behind it: each device's name, profile, unit and registers.
  private struct Actor: Sendable {
    var address: String
    var advertised: String
    var devices: [(name: String, profile: String, unit: UInt8?, registers: String)]
  }

  /// One of each family, and a hub with three batteries.
  private static let cast = [
    Actor(
      address: "D8:B6:73:BF:4F:75", advertised: "BTRIC134000035   ",
      devices: [("Inverter", "inverter", 32, "RIV4835CSH1S")]),
    Actor(
      address: "D8:B6:73:BF:4F:80", advertised: "BT-TH-66F94E1C    ",
      devices: [("Roof", "controller", nil, "RNG-CTRL-RVR40")]),
    Actor(address: "D8:B6:73:BF:4F:81", advertised: "BT-TH-66F94E1D    ", devices: [("Alternator", "dcdc", nil, "RBC50D1S-G1")]),
    Actor(
      address: "D8:B6:73:BF:4F:82", advertised: "BT-TH-66F94E1E    ",
      devices: [
        ("Battery 1", "battery", 48, "RBT50LFP48S-A"), ("Battery 2", "battery", 49, "RBT50LFP48S-B"),
        ("Battery 3", "battery", 50, "RBT50LFP48S-C"),
      ]),
    Actor(address: "D8:B6:73:BF:4F:83", advertised: "RTMShunt300123456", devices: [("Shunt", "shunt300", nil, "RTMShunt300")]),
  ]
  private static let second = Actor(
    address: "D8:B6:73:BF:4F:76", advertised: "BTRIC134000036   ", devices: [("Workshop", "inverter", 32, "RIV4835CSH1S")])

  private let actors: [Actor]
  private let link: LinkChoice
  let origins = Origins()

  init(faults: Bool, link: LinkChoice) {
    actors = Self.cast + (faults ? [Self.second] : [])
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
      let devices = actor.devices.map { "{\"unit\":\($0.unit ?? 1),\"registers\":\"\($0.registers)\"}" }
      return """
        {"address":"\(actor.address)","name":"\(actor.advertised)","vary":true,"devices":[\(devices.joined(separator: ","))]}
        """
    }
    return Array("{\"modules\":[\(modules.joined(separator: ","))]}".utf8)
  }

  /// Shorter times than a real service's, so that there is something to see.
  var config: GatewayConfig {
    GatewayConfig(
      name: "demo", interval: .seconds(5), timeout: .fixed(.seconds(15)), link: link,
      devices: actors.flatMap { actor in
        Address(actor.address).map { address in
          actor.devices.map {
            DeviceConfig(name: $0.name, address: address, profile: $0.profile, unit: $0.unit, testMode: true)
          }
        } ?? []
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
        Console.print("--- from now on Workshop \(what)\n")
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
    guard let parsed = try? Wire.decode(Line.self, from: line), ["registers", "frame"].contains(parsed.saw) else { return }
    lines.withLock { $0.append(parsed) }
  }

  var text: String {
    let models = Dictionary(grouping: lines.withLock { $0 }) { $0.model ?? "" }
    return models.sorted { $0.key < $1.key }.map { model, lines in
      if let frame = lines.first(where: { $0.origin == "capture-partial" }) {
        return "\(model): its frame's beginning as captured from a real one (\(frame.source ?? "")), the rest plausible."
      }
      let captured = lines.filter { $0.origin == "capture" }
      guard !captured.isEmpty else { return "\(model): built from the register table." }
      let registers = Set(captured.compactMap(\.register)).sorted().map(String.init).joined(separator: ", ")
      let sources = Set(captured.compactMap(\.source)).sorted().joined(separator: ", ")
      return "\(model): registers \(registers) as captured from a real one (\(sources)), the rest built from the register table."
    }.joined(separator: "\n")
  }
}
