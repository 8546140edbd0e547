import Readings
import Testing

struct RequestTests {
  private func parse(_ text: String) throws -> Request { try Request.parse(Array(text.utf8)) }

  private func complaint(_ text: String) throws -> String {
    try #require(throws: FailureReport.self) { try parse(text) }.message
  }

  @Test func `what a poll does not say is two attempts, two seconds, any adapter, the profile's unit`() throws {
    let request = try parse(
      #"{"v":1,"job":"poll","poll":"x","deadline_s":25,"module":{"address":"d8:b6:73:bf:4f:75"},"#
        + #""devices":[{"name":"Inverter","profile":"inverter"}]}"#)
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    #expect(
      request
        == Request(
          poll: "x", parent: nil, deadline: .seconds(25),
          job: .poll(
            PollJob(
              module: Module(address: address, adapter: nil),
              devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: nil, model: nil, skip: [])],
              attempts: 2, retryDelay: .seconds(2)))))
  }

  @Test func `a poll neither forgets nor yields unless it says so, and says so only then`() throws {
    let start =
      #"{"v":1,"job":"poll","poll":"x","deadline_s":25,"module":{"address":"D8:B6:73:BF:4F:75"},"#
      + #""devices":[{"name":"Inverter","profile":"inverter"}]"#
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    func job(forgets: Bool, yields: Bool) -> Request.Job {
      .poll(
        PollJob(
          module: Module(address: address), devices: [DeviceRequest(name: "Inverter", profile: "inverter")], forgets: forgets,
          yields: yields))
    }
    #expect(try parse(start + #","forget":null,"yield":null}"#).job == job(forgets: false, yields: false))
    #expect(try parse(start + #","forget":true,"yield":false}"#).job == job(forgets: true, yields: false))
    #expect(try parse(start + #","forget":false,"yield":true}"#).job == job(forgets: false, yields: true))
    let plain = String(
      decoding: try Wire.line(Request(poll: "x", deadline: .seconds(25), job: job(forgets: false, yields: false))), as: UTF8.self)
    #expect(!plain.contains("forget") && !plain.contains("yield"), "\(plain)")
  }

  @Test func `null is as absent`() throws {
    let request = try parse(
      #"{"v":1,"job":"scan","poll":"x","parent":null,"deadline_s":20,"for_s":null,"adapter":null}"#)
    #expect(request == Request(poll: "x", deadline: .seconds(20), job: .scan(duration: .seconds(10), adapter: nil)))
  }

  @Test func `a scan without a time is never longer than its deadline`() throws {
    let request = try parse(#"{"v":1,"job":"scan","poll":"x","deadline_s":6}"#)
    #expect(request.job == .scan(duration: .seconds(6), adapter: nil))
  }

  @Test func `fields that this version does not know are ignored`() throws {
    let request = try parse(
      #"{"v":1,"job":"release","poll":"x","deadline_s":8,"mood":["calm"],"#
        + #""module":{"address":"D8:B6:73:BF:4F:75","link":"kernel"}}"#)
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    #expect(request.job == .release(Module(address: address)))
  }

  @Test(arguments: [
    (4, Duration.seconds(4)), (120, .seconds(120)), (4.001, .milliseconds(4001)), (16.1, .milliseconds(16_100)),
    (64.123, .milliseconds(64_123)),
  ])
  func `a deadline keeps its milliseconds`(seconds: Double, expected: Duration) throws {
    let request = try parse(#"{"v":1,"job":"probe","poll":"x","deadline_s":\#(seconds)}"#)
    #expect(request.deadline == expected)
  }

  @Test func `every millisecond up to the longest deadline comes back as it was sent`() throws {
    for milliseconds in stride(from: 4000, through: 120_000, by: 7) {
      let request = Request(poll: "x", deadline: .milliseconds(milliseconds), job: .probe)
      #expect(try Request.parse(Wire.line(request).dropLast()) == request)
    }
  }

  @Test(arguments: ["", #","unit":255"#, #","unit":33"#])
  func `of several devices each names a unit of its own`(unit: String) {
    #expect(throws: FailureReport.self) {
      try parse(
        #"{"v":1,"job":"poll","poll":"x","deadline_s":25,"module":{"address":"D8:B6:73:BF:4F:75"},"devices":[{"name":"A","profile":"inverter","unit":33},{"name":"B","profile":"inverter"\#(unit)}]}"#
      )
    }
  }

  @Test func `sixteen devices are a request, and so is a name of 64 bytes`() throws {
    let names = (1...15).map { "Device \($0)" } + [String(repeating: "é", count: 32)]
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    let request = Request(
      poll: String(repeating: "p", count: 64), deadline: .seconds(25),
      job: .poll(
        PollJob(
          module: Module(address: address),
          devices: names.enumerated().map { DeviceRequest(name: $1, profile: "battery", unit: UInt8(33 + $0)) }, attempts: 5,
          retryDelay: .seconds(30))))
    #expect(try Request.parse(Wire.line(request).dropLast()) == request)
  }

  @Test func `a line of exactly 65536 bytes is read, one byte more is too long`() throws {
    let start = #"{"v":1,"job":"probe","poll":"x","deadline_s":8,"padding":""#
    let padding = String(repeating: "a", count: 65_536 - start.utf8.count - 2)
    #expect(try parse(start + padding + #""}"#).job == .probe)
    let report = try #require(throws: FailureReport.self) { try parse(start + padding + #"a"}"#) }
    #expect(report.failure == .requestTooLong)
  }

  @Test func `a request of another version is told so whatever else it holds`() throws {
    #expect(
      try complaint(#"{"v":2,"questions":[]}"#)
        == "The request is of protocol version 2; this worker speaks version 1.")
  }

  @Test func `what is wrong is said with its place`() throws {
    #expect(
      try complaint(#"{"v":1,"job":"probe","poll":"x"}"#)
        == "The request line cannot be read: `deadline_s` is missing.")
    #expect(
      try complaint(#"{"v":1,"job":"probe","poll":"x","deadline_s":3}"#)
        == "The request line cannot be read: deadline_s: 3.0 is not within 4.0 to 120.0 seconds.")
    #expect(
      try complaint(
        #"{"v":1,"job":"poll","poll":"x","deadline_s":25,"module":{"address":"D8:B6:73:BF:4F:75"},"#
          + #""devices":[{"name":"A","profile":"battery"},{"name":"B","profile":"battery","unit":0}]}"#)
        == "The request line cannot be read: devices[1].unit: unit 0 is Modbus broadcast, which nobody answers.")
    #expect(
      try complaint(#"{"v":1,"job":"release","poll":"x","deadline_s":8,"module":{"address":"hci0"}}"#)
        == "The request line cannot be read: module.address: 'hci0' is not a Bluetooth address like D8:B6:73:BF:4F:75.")
  }

  @Test func `bytes that are not UTF-8 are refused`() throws {
    let line = Array(#"{"v":1,"job":"probe","deadline_s":8,"poll":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
    let report = try #require(throws: FailureReport.self) { try Request.parse(line) }
    #expect(report.failure == .badRequest)
  }

  @Test func `sixty thousand brackets are refused, not followed`() throws {
    let report = try #require(throws: FailureReport.self) { try Request.parse(Array(repeating: 0x5B, count: 60_000)) }
    #expect(report.failure == .badRequest)
  }
}
