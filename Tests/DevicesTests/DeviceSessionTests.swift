import Devices
import Readings
import Testing

@Suite struct DeviceSessionTests {
  func run(_ request: DeviceRequest, _ module: ScriptedModule, name: String? = nil) throws -> DevicePoll<ScriptedModule>.Outcome {
    try DeviceSession(request, name: name, link: module, deadline: .now + .seconds(60)).run()
  }

  @Test func `a device of any kind is told first, then read, and says how it was told`() throws {
    let module = ScriptedModule()
    let readings = try run(DeviceRequest(name: "It", profile: "auto"), module).result.get()
    #expect(readings.profile == "inverter" && readings.confidence == .model && readings.model == "RIV1230RCH-SPS")
    // The second refusal is as the first one, and so asked for again; 4000 is asked by whoever is told, and by whoever reads.
    #expect(module.asked.prefix(6) == [12, 5122, 5122, 4000, 4000, 4327])
  }

  @Test func `what it was found to be is not looked for again`() throws {
    let module = ScriptedModule()
    let identity = Identity(profile: "inverter", confidence: .guess)
    let readings = try run(DeviceRequest(name: "It", profile: "auto", identity: identity), module).result.get()
    #expect(readings.profile == "inverter" && readings.confidence == .guess && module.asked.first == 4000)
  }

  @Test func `a profile that is configured is not doubted`() throws {
    let readings = try run(DeviceRequest(name: "It", profile: "inverter"), ScriptedModule(), name: "RNGRBP1").result.get()
    #expect(readings.profile == "inverter" && readings.confidence == nil)
  }

  @Test func `the unit at which it was found is the one that is asked`() throws {
    let module = ScriptedModule()
    module.answersAny = false
    let readings = try run(DeviceRequest(name: "It", profile: "auto"), module).result.get()
    #expect(readings.unit == 32 && module.requests.map { $0[0] }.prefix(3) == [255, 32, 32])
  }

  @Test func `nobody is silent, and no device`() throws {
    let module = ScriptedModule()
    module.unit = 7
    module.answersAny = false
    guard case .failure(let report) = try run(DeviceRequest(name: "It", profile: "auto"), module).result else {
      Issue.record("somebody was read")
      return
    }
    #expect(report.failure == .silent && report.message.contains("units 255, 32, 48"))
  }

  @Test func `a shunt is one entry's, and that one names no unit`() throws {
    let request = DeviceRequest(name: "It", profile: "auto", unit: 48)
    let outcome = try DeviceSession(request, name: nil, gatt: .shunt, link: ScriptedModule(), deadline: .now + .seconds(60)).run()
    guard case .failure(let report) = outcome.result else {
      Issue.record("it was read")
      return
    }
    #expect(report.failure == .wrongProfile && report.message.contains("one entry without `unit`"))
  }
}
