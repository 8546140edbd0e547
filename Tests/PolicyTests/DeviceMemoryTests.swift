import Policy
import Readings
import Testing

@Suite struct DeviceMemoryTests {
  private let device: DeviceConfig

  init() throws { device = try #require(Sample.module()?.devices.first) }

  @Test func `no more blocks are kept than any profile has, and a day later there is room again`() {
    var memory = DeviceMemory()
    memory.learn(nil, notes: BlockNotes(silent: (1...500).map { "\($0)/1" }), at: Sample.start)
    #expect(memory.request(device, at: Sample.at(1)).skip.count == 64)
    memory.learn(nil, notes: BlockNotes(silent: ["9000/2"]), at: Sample.at(86_401))
    #expect(memory.request(device, at: Sample.at(86_402)).skip == ["9000/2"])
  }

  @Test func `a unit that the user chose is not replaced by the one that answered`() {
    var memory = DeviceMemory()
    memory.learn(.readings(Sample.readings(unit: 48)), notes: nil, at: Sample.start)
    #expect(memory.request(device, at: Sample.start).unit == 48)
    var chosen = device
    chosen.unit = 32
    #expect(memory.request(chosen, at: Sample.start).unit == 32)
  }

  @Test func `a unit that was learned is forgotten when it falls silent, and 0 is none`() throws {
    let device = DeviceConfig(name: "Inverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter")
    var memory = DeviceMemory()
    memory.learn(.readings(Sample.readings(unit: 33)), notes: nil, at: Sample.start)
    #expect(memory.request(device, at: Sample.start).unit == 33)
    memory.learn(.failed(FailureReport(.linkLost, at: .read, "Lost.")), notes: nil, at: Sample.start)
    #expect(memory.request(device, at: Sample.start).unit == 33)
    memory.learn(.failed(FailureReport(.silent, at: .read, "Silent.")), notes: nil, at: Sample.start)
    #expect(memory.request(device, at: Sample.start).unit == nil)
    memory.learn(.readings(Sample.readings(unit: 0)), notes: nil, at: Sample.start)
    #expect(memory.request(device, at: Sample.start).unit == nil)
  }

  private func readings(_ profile: String, model: String?, _ confidence: Confidence?) -> PollOutcome.Answer {
    var readings = Sample.readings()
    (readings.profile, readings.model, readings.confidence) = (profile, model, confidence)
    return .readings(readings)
  }

  @Test func `another model is asked for the blocks that the last one had not`() {
    var memory = DeviceMemory()
    memory.learn(readings("inverter", model: "RIV1230RCH-SPS", nil), notes: BlockNotes(silent: ["4400/1"]), at: Sample.start)
    memory.learn(readings("inverter", model: nil, nil), notes: nil, at: Sample.at(30))
    #expect(memory.request(device, at: Sample.at(30)).skip == ["4400/1"], "a model that was not read is not another one")
    let other = BlockNotes(unsupported: ["4441/2"])
    memory.learn(readings("inverter", model: "RIV4835CSH1S", nil), notes: other, at: Sample.at(60))
    #expect(memory.request(device, at: Sample.at(60)).skip == ["4441/2"])
    #expect(memory.request(device, at: Sample.at(60)).model == "RIV4835CSH1S")
  }

  @Test func `what a device was found to be is in its next request, where its profile is to be found out`() {
    var memory = DeviceMemory()
    var automatic = device
    automatic.profile = DeviceConfig.automatic
    #expect(memory.request(automatic, at: Sample.start).identity == nil)
    memory.learn(readings("battery", model: "RBT100", .model), notes: nil, at: Sample.start)
    #expect(memory.request(automatic, at: Sample.start).identity == Identity(profile: "battery", confidence: .model))
    #expect(memory.request(device, at: Sample.start).identity == nil)
    // It is another kind of device now, without a model of its own.
    memory.learn(nil, notes: BlockNotes(silent: ["5042/6"]), at: Sample.start)
    memory.learn(.failed(FailureReport(.silent, at: .read, "Silent.")), notes: nil, at: Sample.start)
    #expect(memory.request(automatic, at: Sample.start).skip == ["5042/6"])
    memory.learn(readings("controller", model: nil, .guess), notes: nil, at: Sample.at(30))
    let request = memory.request(automatic, at: Sample.at(30))
    #expect(request.identity == Identity(profile: "controller", confidence: .guess))
    #expect(request.model == nil && request.skip == [])
  }

  @Test(
    arguments: [
      (.silent, false), (.modbusException, false), (.wrongProfile, false), (.profileUnknown, false), (.linkLost, true),
      (.notSeen, true), (.badFrames, true), (.busy, true),
    ] as [(Failure, Bool)])
  func `a device that may be another one is looked at anew`(failure: Failure, isRemembered: Bool) {
    var memory = DeviceMemory()
    memory.learn(readings("battery", model: nil, .name), notes: nil, at: Sample.start)
    memory.learn(.failed(FailureReport(failure, at: .read, "It failed.")), notes: nil, at: Sample.start)
    #expect((memory.identity != nil) == isRemembered)
  }

  @Test func `a later process knows what was found, and an older one's memory has none`() throws {
    var memory = DeviceMemory()
    memory.learn(readings("battery", model: nil, .model), notes: nil, at: Sample.start)
    let clock = Sample.clock(boot: "a", at: Sample.start)
    let line = try Wire.line(memory.keepsake(clock))
    let kept = try Wire.decode(DeviceMemory.Keepsake.self, from: line)
    #expect(DeviceMemory(kept, clock: clock).identity == Identity(profile: "battery", confidence: .model))
    let old = try Wire.decode(DeviceMemory.Keepsake.self, from: Array(#"{"was_silent":false,"unit":32,"skips":{}}"#.utf8))
    #expect(DeviceMemory(old, clock: clock).identity == nil && DeviceMemory(old, clock: clock).unit == 32)
  }
}
