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
      let all = service.service(besides: []) + [service.broker(configured: nil), service.state(configured: [])]
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

  // MARK: What it uses

  private func service(_ places: ServicePlaces?, _ problems: Problem.Name...) -> ServiceFindings {
    ServiceFindings(fleet: FleetStatus(gateway: "cabin", places: places, devices: [], problems: problems.map(problem)))
  }

  @Test(arguments: [nil, "other:1883"] as [String?])
  func `a broker that the service does not use is not vouched for`(own: String?) {
    let wanted = ServicePlaces(broker: "127.0.0.1:1")
    let found = service(ServicePlaces(broker: own)).broker(configured: wanted)
    #expect(found.verdict == .fault && found.message.contains("does not use the broker at 127.0.0.1:1"))
    #expect(found.advice?.contains("`systemctl reload blupow`") == true)
    #expect(service(ServicePlaces(broker: own), .brokerAway).broker(configured: wanted).message == found.message)
    // The refused configuration is the fault then.
    #expect(service(ServicePlaces(broker: own), .configRefused).broker(configured: wanted).verdict == .ok)
  }

  @Test func `a broker is vouched for by its own place`() {
    let used = service(ServicePlaces(broker: "lan:1883"))
    for configured in [nil, ServicePlaces(broker: "lan:1883")] {
      let found = used.broker(configured: configured)
      #expect(found.verdict == .ok && found.message.hasSuffix("the broker at lan:1883."))
    }
    #expect(used.broker(configured: ServicePlaces()).verdict == .unknown)
    #expect(service(ServicePlaces()).broker(configured: ServicePlaces()).message == "The service uses none.")
  }

  @Test(arguments: [nil, "/var/lib/blupow"] as [String?]) func `nor is a state directory`(own: String?) {
    let found = service(ServicePlaces(stateDirectory: own)).state(configured: ["/mnt/state"])
    #expect(found.verdict == .fault && found.message.contains("does not use /mnt/state"))
    #expect(found.advice?.contains("`systemctl restart blupow`") == true)
  }

  @Test func `a state directory that the file or the environment names is the service's`() {
    let used = service(ServicePlaces(stateDirectory: "/b"))
    for configured in [["/b", "/a"], ["/a", "/b"], []] { #expect(used.state(configured: configured).verdict == .ok) }
  }

  @Test func `of a service that does not say what it uses nothing is known`() {
    let old = service(nil)
    #expect(old.broker(configured: ServicePlaces(broker: "lan:1883")).verdict == .unknown)
    #expect(old.state(configured: ["/a"]).verdict == .unknown)
    #expect(service(nil, .brokerAway).broker(configured: nil).verdict == .fault)
  }

  @Test func `a service of another release is said`() {
    let old = ServiceFindings(fleet: FleetStatus(gateway: "cabin", version: "0.0.9", devices: []))
    #expect(old.service(besides: []).map(\.verdict) == [.fault])
  }
}
