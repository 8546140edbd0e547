import Policy
import Publishers
import Readings
import Testing

@Suite struct FleetOverviewTests {
  @Test func `a line a device, its numbers to the right, then problems and failures with what to do`() throws {
    var lost = try Sample.device("Workshop", at: "D8:B6:73:BF:4F:76", .disconnected)
    lost.testMode = true
    lost.age = .seconds(400)
    lost.consecutiveFailures = 12
    lost.successRate = 0.495
    lost.pollMs = 25_012
    lost.deadline = .seconds(45)
    lost.link = .bluez
    lost.failure = FailureReport(.silent, at: .read, "Unit 32 did not answer.")
    let problem = Problem(.releaseFailed, address: lost.address, message: "It did not end.", advice: "Look at it.")
    let status = FleetStatus(gateway: "cabin", devices: [try Sample.device("Inverter"), lost], problems: [problem])
    #expect(
      FleetOverview(status).text == """
        DEVICE    STATUS          AGE  FAILURES  SUCCESS      POLL  DEADLINE  LINK    LAST FAILURE
        Inverter  connected     2.1 s         0    100 %    412 ms    25.0 s  kernel  -
        Workshop  disconnected  6 min        12     50 %  25012 ms    45.0 s  bluez   silent        SIMULATED STALE

        D8:B6:73:BF:4F:76: release_failed: It did not end.
          Look at it.

        Workshop: silent at read: Unit 32 did not answer.
          \(Failure.silent.advice)

        """)
  }

  @Test func `what nobody knows yet is a dash`() throws {
    let device = DeviceStatus(
      name: "Inverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter", model: nil,
      status: .disconnected, available: false, testMode: false, age: nil, readAt: nil, readings: [:], failure: nil,
      successRate: nil, availability: nil, connectMs: nil, connectMsMean: nil, pollMs: nil, consecutiveFailures: 0,
      deadline: .seconds(25), rssi: nil)
    #expect(
      FleetOverview(FleetStatus(gateway: "cabin", devices: [device])).text == """
        DEVICE    STATUS        AGE  FAILURES  SUCCESS  POLL  DEADLINE  LINK  LAST FAILURE
        Inverter  disconnected    -         0        -     -    25.0 s  -     -

        """)
  }

  @Test(arguments: [(Freshness.Status.connected, 32), (.offline, 33), (.disconnected, 31)])
  func `with colours the status word has one, and the columns stay where they are`(status: Freshness.Status, colour: Int) throws {
    let fleet = FleetStatus(gateway: "cabin", devices: [try Sample.device("Inverter", status)])
    let (plain, coloured) = (FleetOverview(fleet).text, FleetOverview(fleet, colours: true).text)
    #expect(coloured.contains("\u{1B}[\(colour)m\(status.rawValue)\u{1B}[0m "))
    #expect(coloured.replacing("\u{1B}[\(colour)m", with: "").replacing("\u{1B}[0m", with: "") == plain)
    #expect(!plain.contains("\u{1B}"))
  }

  @Test func `a name cannot speak to the terminal`() throws {
    let status = FleetStatus(gateway: "cabin", devices: [try Sample.device("\u{1B}[2JInverter\n")])
    #expect(FleetOverview(status).text.contains("?[2JInverter?"))
  }
}
