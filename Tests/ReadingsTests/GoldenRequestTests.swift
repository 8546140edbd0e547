import Readings
import Testing

/// `protocol/examples/requests.jsonl`, line by line.
struct GoldenRequestTests {
  @Test func `the golden requests say what they said when version 1 was fixed`() throws {
    let inverter = try #require(Address("D8:B6:73:BF:4F:75"))
    let hub = try #require(Address("C4:D3:6A:00:12:FE"))
    let expected = [
      Request(
        poll: "b7e2-118", parent: 4711, deadline: .seconds(25),
        job: .poll(
          PollJob(
            module: Module(address: inverter, adapter: "hci0"),
            devices: [
              DeviceRequest(
                name: "Inverter", profile: "inverter", unit: 32, model: "RIV4835CSH1S", skip: ["4109/1", "4408/6"])
            ],
            attempts: 2, retryDelay: .seconds(2)))),
      Request(
        poll: "b7e2-131", parent: 4711, transcript: "/var/lib/blupow/transcripts/D8-B6-73-BF-4F-75/00000017-b7e2-131.jsonl",
        deadline: .seconds(25),
        job: .poll(
          PollJob(
            module: Module(address: inverter),
            devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)], attempts: 2, retryDelay: .seconds(2)))),
      Request(
        poll: "b7e2-119", parent: 4711, deadline: .seconds(40),
        job: .poll(
          PollJob(
            module: Module(address: hub),
            devices: [
              DeviceRequest(name: "Roof", profile: "controller", unit: 16),
              DeviceRequest(name: "Bank", profile: "battery", unit: 48),
            ],
            attempts: 2, retryDelay: .seconds(2)))),
      Request(
        poll: "hand", deadline: .milliseconds(12_500),
        job: .poll(
          PollJob(
            module: Module(address: inverter), devices: [DeviceRequest(name: "auto", profile: "auto")], attempts: 1,
            retryDelay: .milliseconds(250)))),
      Request(poll: "hand", deadline: .seconds(15), job: .scan(duration: .seconds(10), adapter: nil)),
      Request(
        poll: "b7e2-124", parent: 4711, deadline: .seconds(20),
        job: .scan(duration: .milliseconds(7500), adapter: "hci1")),
      Request(
        poll: "b7e2-121", parent: 4711, deadline: .seconds(8),
        job: .release(Module(address: inverter, adapter: "hci0"))),
      Request(poll: "b7e2-122", parent: 4711, deadline: .seconds(8), job: .probe),
      Request(
        poll: "b7e2-125", parent: 4711, deadline: .seconds(25),
        job: .poll(
          PollJob(
            module: Module(address: inverter), devices: [DeviceRequest(name: "Inverter", profile: "inverter")], link: .kernel,
            learned: Learned(
              addressType: .random, adapter: "hci1", handles: SerialHandles(write: 18, notify: 34, configuration: 35))))),
      Request(
        poll: "b7e2-126", parent: 4711, deadline: .seconds(40),
        job: .poll(
          PollJob(
            module: Module(address: inverter), devices: [DeviceRequest(name: "Inverter", profile: "inverter")], link: .bluez,
            forgets: true))),
      Request(
        poll: "b7e2-127", parent: 4711, deadline: .seconds(25),
        job: .poll(
          PollJob(
            module: Module(address: inverter), devices: [DeviceRequest(name: "Inverter", profile: "inverter")], yields: true))),
      Request(poll: "b7e2-128", parent: 4711, deadline: .seconds(15), job: .resetAdapter(adapter: "hci0")),
      Request(poll: "hand", deadline: .seconds(15), job: .resetAdapter(adapter: nil)),
      Request(
        poll: "b7e2-129", parent: 4711, deadline: .seconds(25),
        job: .poll(
          PollJob(
            module: Module(address: hub, name: "BT-TH-66F94E1C"),
            devices: [
              DeviceRequest(
                name: "Roof", profile: "auto", model: "RNG-CTRL-RVR40",
                identity: Identity(profile: "controller", confidence: .model), days: 2)
            ]))),
      Request(
        poll: "b7e2-130", parent: 4711, deadline: .seconds(45),
        job: .identify(
          PollJob(
            module: Module(address: hub), devices: [], learned: Learned(addressType: .public, name: "BT-TH-66F94E1C")))),
    ]
    let lines = try ProtocolFiles.lines("requests")
    #expect(try lines.map { try Request.parse($0) } == expected)
    #expect(try expected.map { try JSON(Wire.line($0)) } == lines.map { try JSON($0) })
  }

  @Test(arguments: try RefusedLine.all("refused-requests"))
  func `a request that must be refused is refused by its class`(refused: RefusedLine) throws {
    // Which profiles there are is the worker's to know: here such a request is well formed.
    if refused.class == "profile_unknown" {
      #expect(throws: Never.self) { try Request.parse(Array(refused.line.utf8)) }
      return
    }
    let report = try #require(throws: FailureReport.self) { try Request.parse(Array(refused.line.utf8)) }
    #expect(report.failure.rawValue == refused.class, "\(report.message)")
    #expect(report.stage == .start)
  }
}
