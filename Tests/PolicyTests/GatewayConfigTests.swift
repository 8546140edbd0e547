import Policy
import Readings
import Testing

@Suite struct GatewayConfigTests {
  private func device(_ name: String, _ address: String, adapter: String? = nil, interval: Duration? = nil) throws -> DeviceConfig
  {
    DeviceConfig(
      name: name, address: try #require(Address(address)), profile: "battery", adapter: adapter, interval: interval)
  }

  @Test func `devices with one address are one module, polled at the smallest interval`() throws {
    let config = GatewayConfig(
      name: "cabin",
      devices: [
        try device("A", "D8:B6:73:BF:4F:75", interval: .seconds(60)), try device("B", "D8:B6:73:BF:4F:76"),
        try device("C", "d8:b6:73:bf:4f:75", adapter: "hci1", interval: .seconds(20)),
      ])
    let modules = config.modules
    #expect(modules.map(\.module.address.text) == ["D8:B6:73:BF:4F:75", "D8:B6:73:BF:4F:76"])
    #expect(modules.map(\.interval) == [.seconds(20), .seconds(30)])
    #expect(modules[0].devices.map(\.name) == ["A", "C"])
    #expect(modules.map(\.module.adapter) == ["hci1", nil])
  }

  @Test func `a module is called what the first of its devices says`() throws {
    var devices = [
      try device("A", "D8:B6:73:BF:4F:75"), try device("B", "D8:B6:73:BF:4F:75"), try device("C", "D8:B6:73:BF:4F:75"),
    ]
    #expect(GatewayConfig(name: "cabin", devices: devices).modules.map(\.module.name) == [nil])
    (devices[1].advertised, devices[2].advertised) = ("RNGPRO12", "RNGRBP12")
    #expect(GatewayConfig(name: "cabin", devices: devices).modules.map(\.module.name) == ["RNGPRO12"])
  }

  @Test func `first polls are spread out, three seconds at most between two`() {
    #expect((0..<3).map { GatewayConfig.firstPoll($0, of: 3, interval: .seconds(30)) } == [.zero, .seconds(3), .seconds(6)])
    #expect(GatewayConfig.firstPoll(9, of: 10, interval: .seconds(10)) == .seconds(9))
  }
}
