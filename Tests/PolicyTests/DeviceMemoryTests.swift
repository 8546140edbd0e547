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
}
