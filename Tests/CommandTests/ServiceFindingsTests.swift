import Policy
import Readings
import Testing

@testable import blupow

@Suite struct ServiceFindingsTests {
  private let address = Address("D8:B6:73:BF:4F:75")

  private func device(_ name: String, _ failure: Failure?, age: Duration? = .seconds(3)) throws -> DeviceStatus {
    DeviceStatus(
      name: name, address: try #require(address), profile: "battery", model: nil, status: .connected, available: true,
      testMode: false, age: age, readAt: nil, readings: [:],
      failure: failure.map { FailureReport($0, at: .read, "It failed.") }, successRate: nil, availability: nil, connectMs: nil,
      connectMsMean: nil, pollMs: nil, consecutiveFailures: failure == nil ? 0 : 4, deadline: .seconds(25), rssi: nil)
  }

  private func problem(_ name: Problem.Name) -> Problem {
    Problem(name, address: [.inUse, .moduleFailing].contains(name) ? address : nil, message: "It is so.", advice: "Mend it.")
  }

  private let judge = DeviceFindings()

  private func devices(_ devices: [DeviceStatus], _ problems: Problem.Name..., configured: [DeviceConfig]? = nil) -> [Finding] {
    ServiceFindings(fleet: FleetStatus(gateway: "cabin", devices: devices, problems: problems.map(problem)))
      .devices(configured: configured, judge)
  }

  @Test func `each problem is one check's, and each check's word is the service's`() {
    for name in Problem.Name.allCases {
      let service = ServiceFindings(fleet: FleetStatus(gateway: "cabin", devices: [], problems: [problem(name)]))
      let all = service.service(besides: []) + [service.broker(at: nil), service.state]
      #expect(all.count { $0.verdict == .fault } == 1, "\(name)")
      #expect(all.allSatisfy { $0.isServicesWord }, "\(name)")
    }
  }

  @Test(arguments: [(Problem.Name.busAway, Check.bluetoothd), (.adapterAway, .adapter), (.configRefused, .config)])
  func `what this command found a fault with itself is not told by the service again`(name: Problem.Name, check: Check) {
    let service = ServiceFindings(fleet: FleetStatus(gateway: "cabin", devices: [], problems: [problem(name)]))
    let own = Finding.fault(check, "It is gone.", advice: "`look` at it.")
    #expect(service.service(besides: [own]).map(\.verdict) == [.ok])
    #expect(service.service(besides: [.ok(check, "It is there.")]).map(\.verdict) == [.fault])
  }

  @Test func `a module's problem is its device's failure where that has one`() throws {
    let failing = try device("One", .busy)
    let service = ServiceFindings(fleet: FleetStatus(gateway: "cabin", devices: [failing], problems: [problem(.inUse)]))
    #expect(service.service(besides: []).map(\.verdict) == [.ok])
    let found = service.devices(configured: nil, judge)
    #expect(found.map(\.failure) == [.busy])
    #expect(found.first?.message == "It failed. So it has been 4 times in a row.")
  }

  @Test func `of a hub's devices that fail alike one is the fault`() throws {
    let found = devices([try device("One", .silent), try device("Two", .silent), try device("Three", nil)])
    #expect(found.map(\.verdict) == [.fault, .skipped, .ok])
  }

  @Test func `what the radio's absence did to devices is the radio's`() throws {
    #expect(devices([try device("One", .daemonMissing)], .busAway).map(\.verdict) == [.skipped])
    #expect(devices([try device("One", .daemonMissing)]).map(\.verdict) == [.fault])
  }

  @Test func `a device that is not read yet is neither well nor ill`() throws {
    #expect(devices([try device("One", nil, age: nil)]).map(\.verdict) == [.unknown])
  }

  @Test func `one that is configured and that the service does not have, unless its configuration was refused`() throws {
    let other = DeviceConfig(name: "Other", address: try #require(address), profile: "battery")
    #expect(devices([], configured: [other]).map(\.device) == ["Other"])
    #expect(devices([], .configRefused, configured: [other]).isEmpty)
  }

  @Test func `a service of another release is said`() {
    let old = ServiceFindings(fleet: FleetStatus(gateway: "cabin", version: "0.0.9", devices: []))
    #expect(old.service(besides: []).map(\.verdict) == [.fault])
  }
}
