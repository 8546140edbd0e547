import Readings
import Rig
import Testing

/// A family with a hub and three of it, on the simulator and on a real bluetoothd, by both links, in pieces of 20 bytes and in one.
@Suite struct HubTests {
  static let units: [UInt8] = [48, 49, 50]

  static func scene(mtu: Int) async throws -> Scene {
    let devices = zip(units, ["A", "B", "C"]).map { #"{"unit":\#($0),"registers":"RBT50LFP48S-\#($1)"}"# }
    return try await Scene.contract(
      #""name":"BT-TH-66F94E1C    ","mtu":\#(mtu),"devices":[\#(devices.joined(separator: ","))]"#)
  }

  static func poll(_ scene: Scene, _ link: LinkKind) async throws -> WorkerRun {
    let address = try #require(Address(scene.address))
    let job = PollJob(
      module: Module(address: address, name: "BT-TH-66F94E1C"),
      devices: units.map { DeviceRequest(name: "Battery \($0)", profile: "battery", unit: $0) },
      link: link == .kernel ? .kernel : .bluez)
    let request = Request(poll: "hub", deadline: .seconds(25), job: .poll(job))
    return try await scene.worker(input: try Wire.line(request), sockets: link == .kernel && !Worlds.isReal)
  }

  @Test(.timeLimit(.minutes(5)), arguments: LinkKind.allCases, [23, 247])
  func `three batteries are one connection and three devices' readings`(link: LinkKind, mtu: Int) async throws {
    let scene = try await Self.scene(mtu: mtu)
    let run = try await Self.poll(scene, link)
    let readings = run.events.compactMap { if case .readings(let readings) = $0.event { readings } else { nil } }
    try #require(readings.map(\.device) == ["Battery 48", "Battery 49", "Battery 50"], "\(run.raw)")
    #expect(readings.map(\.unit) == Self.units)
    for one in readings {
      #expect(one.model == "RBT50LFP48S")
      #expect(one.readings["battery_voltage"].map { [.number(52.4), .number(50.4)].contains($0.value) } == true)
      #expect(one.readings["cell_voltage_15"] != nil && one.readings["cell_voltage_16"] == nil)
      #expect(one.readings["battery_current"] != nil && one.readings["alarms"] == Reading(.text("none")))
    }
    #expect(run.exitCode == 0 && run.done?.attempts == 1 && run.done?.link == .closed)
    // How its bytes came: the longest reply has 73.
    #expect(try await scene.quiet() != nil)
    let longest = scene.journal.lines.filter { $0.contains(#""saw":"reply""#) }.compactMap { line in
      line.firstMatch(of: /"fragments":\[([^\]]*)\]/).map { $0.output.1.split(separator: ",").count }
    }.max()
    #expect(longest == (mtu == 23 ? 4 : 1))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: LinkKind.allCases)
  func `one that is unplugged leaves the other two their readings`(link: LinkKind) async throws {
    let scene = try await Self.scene(mtu: 23)
    _ = try await scene.tell(
      #"{"do":"faults","address":"\#(scene.address)","faults":[{"fault":"silent","unit":49}]}"#)
    let run = try await Self.poll(scene, link)
    let alive = run.events.compactMap { if case .readings(let readings) = $0.event { readings.device } else { nil } }
    #expect(alive == ["Battery 48", "Battery 50"], "\(run.raw)")
    let failed = run.events.compactMap {
      if case .failed(let device, let report) = $0.event { (device, report.failure) } else { nil }
    }
    #expect(failed.count == 1 && failed.first?.0 == "Battery 49" && failed.first?.1 == .silent)
    #expect(run.done?.attempts == 1 && run.done?.link == .closed)
    await scene.end()
  }
}
