import Devices
import Readings
import Testing

@Suite struct IdentificationTests {
  func module(unit: UInt8, any: Bool = true, _ registers: [UInt16: String], values: [UInt16] = []) -> ScriptedModule {
    let module = ScriptedModule()
    module.unit = unit
    module.answersAny = any
    module.registers = [:]
    for (register, text) in registers {
      let bytes = Array(text.utf8) + [UInt8](repeating: 0, count: 16 - text.utf8.count)
      for word in 0..<8 { module.registers[register + UInt16(word)] = UInt16(bytes[word * 2]) << 8 | UInt16(bytes[word * 2 + 1]) }
    }
    for register in values { for word in 0..<10 { module.registers[register + UInt16(word)] = 1 } }
    return module
  }

  func identify(_ module: ScriptedModule, unit: UInt8? = nil, name: String? = "BT-TH-66F94E1C") throws -> Found? {
    let outcome = try Identification(link: module, deadline: .now + .seconds(60)).identify("It", unit: unit, name: name)
    if case .found(let found) = outcome { return found }
    return nil
  }

  @Test(arguments: [
    ("BTRIC134000035   ", "inverter"), ("RNGRIU123", "inverter"), ("RTMShunt300A1", "shunt300"), ("RNGPRO125BAT", "battery"),
    ("RNGRBP1228", "battery"), ("RNGC122BAT", "battery"),
  ])
  func `a name that only one family has is enough`(name: String, profile: String) throws {
    let module = ScriptedModule()
    #expect(try identify(module, name: name) == Found(unit: 0, profile: profile, confidence: .name))
    #expect(module.requests == [])
  }

  @Test(arguments: [
    ("  RNG-CTRL-RVR40", "controller", Confidence.model), ("RBC50D1S-G1", "dcdc", .model), ("DCC30S", "dcdc", .model),
    ("NOBODY KNOWS", "controller", .guess), ("RNG-DCC50S", "dcdc", .model), ("RIV4835CSH1S", "inverter", .model),
  ])
  func `the text in register 12 tells chargers apart`(text: String, profile: String, confidence: Confidence) throws {
    let found = try #require(try identify(module(unit: 255, [12: text])))
    #expect(found.profile == profile && found.confidence == confidence && found.unit == 255)
    let model = String(text.drop { $0 == " " })
    #expect(found.model == model)
  }

  @Test func `a battery refuses register 12, and has its name in 5122`() throws {
    let found = try identify(module(unit: 48, [5122: "RBT100LFP12S-G1"]))
    #expect(found == Found(unit: 255, profile: "battery", confidence: .model, model: "RBT100LFP12S-G1"))
  }

  @Test func `an inverter refuses both, and has 4000; its model where it has one`() throws {
    #expect(
      try identify(module(unit: 32, [4311: "RIV4835CSH1S"], values: [4000]))
        == Found(unit: 255, profile: "inverter", confidence: .guess))
    var everyone: [Found] = []
    let asked = module(unit: 32, [4311: "RIV4835CSH1S"], values: [4000])
    try Identification(link: asked, deadline: .now + .seconds(60)).everyone(name: nil) { everyone.append($0) }
    #expect(everyone == [Found(unit: 255, profile: "inverter", confidence: .model, model: "RIV4835CSH1S")])
    #expect(
      try identify(module(unit: 32, [:], values: [4000])) == Found(unit: 255, profile: "inverter", confidence: .guess))
  }

  @Test func `silent at 255, the families' own units are asked, for the same registers`() throws {
    let battery = module(unit: 48, any: false, [5122: "RBT100LFP12S-G1"])
    #expect(try identify(battery)?.unit == 48)
    #expect(battery.requests.map { $0[0] } == [255, 32, 48, 48] && battery.asked == [12, 12, 12, 5122])
  }

  @Test func `a unit that is named is the only one asked`() throws {
    let battery = module(unit: 49, any: false, [5122: "RBT100LFP12S-G1"])
    #expect(try identify(battery, unit: 48) == nil && battery.requests.map { $0[0] } == [48])
    #expect(try identify(battery, unit: 49)?.unit == 49)
  }

  @Test func `whoever answers and has nothing that is known is no device of ours`() throws {
    let outcome = try Identification(link: module(unit: 1, [:]), deadline: .now + .seconds(60)).identify(
      "It", unit: nil, name: nil)
    guard case .failed(let report) = outcome else {
      Issue.record("it was identified")
      return
    }
    #expect(report.failure == .wrongProfile)
  }

  @Test func `behind a hub everybody is found by a unit of their own`() throws {
    let hub = Hub([
      module(unit: 48, any: false, [5122: "RBT50LFP48S"]), module(unit: 50, any: false, [5122: "RBT50LFP48S"]),
      module(unit: 17, any: false, [12: "RNG-CTRL-RVR40"]),
    ])
    var found: [Found] = []
    try Identification(link: hub, deadline: .now + .seconds(60)).everyone(name: "BT-TH-1") { found.append($0) }
    #expect(found.map(\.unit) == [48, 50, 17] && found.map(\.profile) == ["battery", "battery", "controller"])
  }

  @Test func `a device alone is found by the unit that all answer`() throws {
    var found: [Found] = []
    let alone = module(unit: 48, [5122: "RBT50LFP48S"])
    try Identification(link: alone, deadline: .now + .seconds(60)).everyone(name: "RNGRBP1") { found.append($0) }
    #expect(found == [Found(unit: 255, profile: "battery", confidence: .name, model: "RBT50LFP48S")])
  }

  /// Several on one line: each answers its own unit.
  final class Hub: Link {
    let modules: [ScriptedModule]
    init(_ modules: [ScriptedModule]) { self.modules = modules }
    func send(_ frame: [UInt8]) throws { for module in modules { try module.send(frame) } }
    func receive(until deadline: ContinuousClock.Instant) -> [UInt8]? {
      for module in modules { if let chunk = module.receive(until: deadline) { return chunk } }
      return nil
    }
  }
}
