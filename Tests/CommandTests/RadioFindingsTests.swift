import Readings
import Testing

@testable import blupow

@Suite struct RadioFindingsTests {
  private func radio(_ adapters: (String, powered: Bool, blocked: Bool?)...) -> RadioFindings {
    RadioFindings(
      probe: .success(
        Probe(
          adapters: adapters.map {
            Probe.Adapter(
              name: $0.0, address: "00:AA:01:00:00:00", powered: $0.powered, discovering: false, devices: 0, connected: 0,
              blocked: $0.blocked)
          })))
  }

  @Test func `an adapter that is off is no fault where another will do, and one where a device names it`() {
    let two = radio(("hci0", powered: false, blocked: true), ("hci1", powered: true, blocked: false))
    #expect(two.adapter(wanted: [nil]).verdict == .ok)
    #expect(two.adapter(wanted: ["hci1"]).verdict == .ok)
    #expect(two.adapter(wanted: ["hci1", "hci0"]).message == "Bluetooth adapter hci0 is blocked by rfkill.")
    #expect(two.adapter(wanted: ["hci7"]).message == "Adapter hci7 does not exist; bluetoothd has hci0, hci1.")
  }

  @Test func `without a configuration any adapter that is on will do`() {
    #expect(radio(("hci0", powered: true, blocked: nil)).adapter(wanted: []).verdict == .ok)
    #expect(radio(("hci0", powered: false, blocked: nil)).adapter(wanted: []).failure == .adapterOff)
    #expect(radio().adapter(wanted: []).failure == .adapterMissing)
  }

  @Test(arguments: Failure.allCases) func `whatever a probe fails by is one check's fault`(failure: Failure) {
    let radio = RadioFindings(probe: .failure(FailureReport(failure, at: .bus, "It failed.")))
    let verdicts = [radio.worker?.verdict, radio.bus.verdict, radio.bluetoothd.verdict, radio.adapter(wanted: []).verdict]
    #expect(verdicts.count { $0 == .fault } == 1)
  }

  @Test func `nobody heard is no fault where somebody is connected`() throws {
    var probe = Probe(adapters: [])
    #expect(RadioFindings(probe: .success(probe)).scan(.success([]), for: .seconds(15)).verdict == .fault)
    probe.adapters = [
      Probe.Adapter(
        name: "hci0", address: "00:AA:01:00:00:00", powered: true, discovering: false, devices: 1, connected: 1,
        links: [try #require(Address("D8:B6:73:BF:4F:75"))])
    ]
    #expect(RadioFindings(probe: .success(probe)).scan(.success([]), for: .seconds(5)).verdict == .unknown)
  }
}
