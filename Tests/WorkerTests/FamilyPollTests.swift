import Readings
import Rig
import Testing

/// Every family, end to end: the real worker, by both links, in pieces of 20 bytes and in one.
@Suite struct FamilyPollTests {
  struct Family: CustomTestStringConvertible, Sendable {
    var profile: String
    var advertised: String
    var registers: String
    var model: String?
    /// How many values, and one that says that they are this device's.
    var count: Int
    var key: String
    var value: Reading.Value

    var testDescription: String { registers }
  }

  static let families = [
    Family(
      profile: "inverter", advertised: "BT-TH-66E5CDEB   ", registers: "RIV4835CSH1S", model: "RIV4835CSH1S",
      count: Scene.inverterReadings, key: "charging_current", value: .number(49.5)),
    Family(
      profile: "inverter", advertised: "BTRIC134000035   ", registers: "RIV1230RCH-SPS", model: "RIV1230RCH-SPS",
      count: Scene.inverterReadings, key: "charging_current", value: .number(0.7)),
    Family(
      profile: "controller", advertised: "BT-TH-66F94E1C    ", registers: "RNG-CTRL-RVR40", model: "RNG-CTRL-RVR40", count: 40,
      key: "solar_voltage", value: .number(76.5)),
    Family(
      profile: "dcdc", advertised: "BT-TH-66F94E1C    ", registers: "RBC50D1S-G1", model: "RBC50D1S-G1", count: 36,
      key: "charging_current", value: .number(0.73)),
    Family(
      profile: "battery", advertised: "BT-TH-66F94E1C    ", registers: "RBT50LFP48S-A", model: "RBT50LFP48S", count: 54,
      key: "battery_soc", value: .number(99.7)),
    Family(
      profile: "battery", advertised: "RNGRBP1228000830", registers: "RNGRBP1228", model: "RNGRBP1228", count: 31,
      key: "battery_current", value: .number(12.3)),
    Family(
      profile: "battery", advertised: "RNGPRO125BAT-EF036881", registers: "RBT12500LFP-SHBT", model: "RBT12500LFP-SHBT",
      count: 32, key: "battery_current", value: .number(-2.01)),
    Family(
      profile: "shunt300", advertised: "RTMShunt300A", registers: "RTMShunt300", model: nil, count: 6, key: "battery_current",
      value: .number(-8.719)),
  ]

  static func scene(_ devices: String, name: String, mtu: Int = 23, more: String = "") async throws -> Scene {
    try await Scene.start(
      """
      {"modules":[{"address":"\(Scene.address)","name":"\(name)","mtu":\(mtu),"delays":\(Scene.fast),
        "devices":[\(devices)]\(more)}]}
      """)
  }

  static func poll(_ scene: Scene, _ profile: String, _ more: [String] = [], link: LinkKind) async throws -> WorkerRun {
    try await scene.worker(
      ["poll", "--address", Scene.address, "--profile", profile, "--link", link.rawValue] + more, sockets: link == .kernel)
  }

  @Test(.timeLimit(.minutes(5)), arguments: families, [LinkKind.kernel, .bluez])
  func `each family is read whole, however small the pieces are`(family: Family, link: LinkKind) async throws {
    for mtu in [23, 247] {
      let scene = try await Self.scene(
        #"{"unit":48,"registers":"\#(family.registers)"}"#, name: family.advertised, mtu: mtu)
      for profile in [family.profile, "auto"] {
        let run = try await Self.poll(scene, profile, link: link)
        let readings = try #require(run.readings, "\(run.raw)")
        #expect(run.exitCode == 0 && readings.profile == family.profile && readings.model == family.model)
        #expect((readings.confidence == nil) == (profile != "auto"))
        #expect(readings.readings[family.key]?.value == family.value)
        #expect(readings.readings.count == family.count, "\(readings.readings.keys.sorted())")
        #expect(readings.implausible == [])
      }
      await scene.end()
    }
  }

  static let hub = (48...50).map { #"{"unit":\#($0),"registers":"RBT50LFP48S-\#(["A", "B", "C"][$0 - 48])"}"# }
    .joined(separator: ",")

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.kernel, .bluez])
  func `three batteries behind a hub are one connection; one that is unplugged leaves the other two`(link: LinkKind) async throws
  {
    let scene = try await Self.scene(Self.hub, name: "BT-TH-66F94E1C    ")
    let address = try #require(Address(Scene.address))
    let job = PollJob(
      module: Module(address: address),
      devices: (48...50).map { DeviceRequest(name: "Battery \($0)", profile: "battery", unit: UInt8($0)) },
      link: link == .kernel ? .kernel : .bluez)
    func run() async throws -> WorkerRun {
      let request = Request(poll: "hub", deadline: .seconds(25), job: .poll(job))
      return try await scene.worker(input: try Wire.line(request), sockets: link == .kernel)
    }
    let whole = try await run()
    let readings = whole.events.compactMap { if case .readings(let readings) = $0.event { readings } else { nil } }
    #expect(readings.map(\.device) == ["Battery 48", "Battery 49", "Battery 50"])
    #expect(readings.map { $0.readings["battery_current"]?.value } == [.number(0), .number(0), .number(-3.26)])
    #expect(readings.compactMap(\.readings["serial_number"]?.value).count == 3)
    let links = scene.journal.lines.count { $0.contains(#""saw":"linked""#) }
    #expect(links == 1)

    _ = try await scene.tell(
      #"{"do":"faults","address":"\#(Scene.address)","faults":[{"fault":"silent","unit":49}]}"#)
    let part = try await run()
    let alive = part.events.compactMap { if case .readings(let readings) = $0.event { readings.device } else { nil } }
    #expect(alive == ["Battery 48", "Battery 50"], "\(part.raw)")
    let failed = part.events.compactMap {
      if case .failed(let device, let report) = $0.event { (device, report.failure) } else { nil }
    }
    #expect(failed.count == 1 && failed.first?.0 == "Battery 49" && failed.first?.1 == .silent)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a device that nobody had time for is not called silent`() async throws {
    let scene = try await Self.scene(
      Self.hub + #",{"unit":51,"registers":"RBT50LFP48S-C"}"#, name: "BT-TH-66F94E1C    ",
      more: #","faults":[{"fault":"silent","unit":48},{"fault":"silent","unit":49},{"fault":"silent","unit":50}]"#)
    let address = try #require(Address(Scene.address))
    let job = PollJob(
      module: Module(address: address, name: "BT-TH-1"),
      devices: (48...51).map { DeviceRequest(name: "\($0)", profile: "battery", unit: UInt8($0)) }, attempts: 1, link: .kernel)
    let run = try await scene.worker(
      input: try Wire.line(Request(poll: "hub", deadline: .seconds(8), job: .poll(job))), sockets: true)
    let failed = run.events.compactMap { if case .failed(_, let report) = $0.event { report.failure } else { nil } }
    #expect(failed == [.silent, .silent, .outOfTime, .outOfTime], "\(run.raw)")
    #expect(run.exitCode == 75)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.kernel, .bluez])
  func `who answers behind a hub is told, one by one`(link: LinkKind) async throws {
    let scene = try await Self.scene(
      Self.hub + #",{"unit":96,"registers":"RNG-CTRL-RVR40"}"#, name: "BT-TH-66F94E1C    ")
    let run = try await scene.worker(
      ["identify", "--address", Scene.address, "--link", link.rawValue], sockets: link == .kernel)
    let found = run.events.compactMap { if case .found(let found) = $0.event { found } else { nil } }
    #expect(found.map(\.unit) == [48, 49, 50, 96], "\(run.raw)")
    #expect(found.map(\.profile) == ["battery", "battery", "battery", "controller"])
    #expect(found.allSatisfy { $0.confidence == .model } && found.first?.model == "RBT50LFP48S")
    #expect(run.exitCode == 0 && run.done?.link == .closed)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.kernel, .bluez])
  func `a shunt is told by what it has, without a name`(link: LinkKind) async throws {
    let scene = try await Self.scene(#"{"unit":1,"registers":"RTMShunt300"}"#, name: "")
    let run = try await scene.worker(
      ["identify", "--address", Scene.address, "--link", link.rawValue], sockets: link == .kernel)
    let found = run.events.compactMap { if case .found(let found) = $0.event { found } else { nil } }
    #expect(found == [Found(unit: 0, profile: "shunt300", confidence: .model)], "\(run.raw)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `the name that was needed is remembered, and asked for no more`() async throws {
    let scene = try await Self.scene(#"{"unit":48,"registers":"RNGRBP1228"}"#, name: "RNGRBP1228000830")
    for link in [LinkKind.kernel, .bluez] {
      #expect(try await Self.poll(scene, "battery", link: link).done?.learned?.name == "RNGRBP1228000830")
    }
    #expect(try await Self.poll(scene, "controller", link: .bluez).done?.learned == nil)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [("dcdc", "RBC30D1S-G6", "direct")])
  func `a block that is never answered costs its words and nothing else`(profile: String, registers: String, status: String)
    async throws
  {
    let scene = try await Self.scene(#"{"unit":96,"registers":"\#(registers)"}"#, name: "BT-TH-1")
    let first = try await Self.poll(scene, profile, link: .kernel)
    #expect(first.exitCode == 0 && first.readings?.readings["charging_status"] == nil)
    #expect(first.done?.blocks[profile]?.silent == ["288/7"], "\(first.raw)")
    let address = try #require(Address(Scene.address))
    let job = PollJob(
      module: Module(address: address), devices: [DeviceRequest(name: profile, profile: profile, skip: ["288/7"])],
      link: .kernel)
    let second = try await scene.worker(
      input: try Wire.line(Request(poll: "p", deadline: .seconds(25), job: .poll(job))), sockets: true)
    #expect(second.readings?.readings["charging_status"] == Reading(.text(status)), "\(second.raw)")
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      (#"{"fault":"silent"}"#, Failure.silent), (#"{"fault":"wrong_crc"}"#, .badFrames), (#"{"fault":"truncated"}"#, .badFrames),
    ])
  func `a shunt that says nothing, or nothing that can be believed`(fault: String, failure: Failure) async throws {
    let scene = try await Self.scene(
      #"{"unit":1,"registers":"RTMShunt300"}"#, name: "RTMShunt300A", more: #","faults":[\#(fault)]"#)
    let run = try await Self.poll(scene, "shunt300", ["--deadline", "18s"], link: .kernel)
    #expect(run.failure?.failure == failure, "\(run.raw)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.kernel, .bluez])
  func `a module without a shunt's service is no shunt, and says what is missing`(link: LinkKind) async throws {
    let scene = try await Scene.one()
    let run = try await Self.poll(scene, "shunt300", link: link)
    #expect(run.failure?.failure == .wrongProfile)
    #expect(run.failure?.message.contains("(c411 in c011)") == true, "\(run.raw)")
    await scene.end()
  }
}
