import Readings
import Testing

/// `protocol/examples/events.jsonl`, by poll.
struct GoldenEventTests {
  private func lines(of poll: String) throws -> [[UInt8]] {
    try ProtocolFiles.lines("events").filter { try JSON($0)["poll"] == .string(poll) }
  }

  /// Both ends: what a worker would write is what stands there, and what a supervisor reads from it is what was meant.
  private func check(_ poll: String, _ expected: [(Int64, Event)], sourceLocation: SourceLocation = #_sourceLocation) throws {
    let events = expected.map { EventLine(poll: poll, time: .milliseconds($0), event: $1) }
    let lines = try lines(of: poll)
    #expect(try lines.map { try Wire.decode(EventLine.self, from: $0) } == events, sourceLocation: sourceLocation)
    #expect(try events.map { try JSON(Wire.line($0)) } == lines.map { try JSON($0) }, sourceLocation: sourceLocation)
  }

  @Test func `a whole good poll`() throws {
    try check(
      "b7e2-118",
      [
        (4, .stage(.lock, attempt: 1)), (5, .stage(.bus, attempt: 1)), (19, .stage(.release, attempt: 1)),
        (24, .stage(.connect, attempt: 1)), (1893, .stage(.services, attempt: 1)),
        (2711, .stage(.subscribe, attempt: 1)), (2790, .stage(.read, attempt: 1)),
        (
          4418,
          .readings(
            DeviceReadings(
              device: "Inverter", profile: "inverter", unit: 32, model: "RIV4835CSH1S",
              readings: [
                "input_voltage": Reading(.number(124.9), unit: "V"), "input_current": Reading(.number(20.2), unit: "A"),
                "output_voltage": Reading(.number(124.9), unit: "V"), "output_current": Reading(.number(1.19), unit: "A"),
                "output_frequency": Reading(.number(60.02), unit: "Hz"),
                "battery_voltage": Reading(.number(52.4), unit: "V"), "temperature": Reading(.number(-4.5), unit: "°C"),
                "input_frequency": Reading(.number(60), unit: "Hz"),
                "battery_percentage": Reading(.number(87), unit: "%"),
                "charging_current": Reading(.number(49.5), unit: "A"),
                "solar_voltage": Reading(.number(0), unit: "V"), "solar_current": Reading(.number(0), unit: "A"),
                "solar_power": Reading(.number(0), unit: "W"),
                "charging_status": Reading(.text("constant current"), unit: nil),
                "charging_power": Reading(.number(2535), unit: "W"), "device_id": Reading(.number(32), unit: nil),
              ],
              implausible: ["line_charging_current"], rawSign: []))
        ),
        (4420, .stage(.disconnect, attempt: 1)),
        (
          6744,
          .done(
            Done(
              link: .closed,
              stages: [
                .start: 4, .lock: 1, .bus: 14, .release: 5, .connect: 1869, .services: 818, .subscribe: 79, .read: 1630,
                .disconnect: 2324,
              ],
              connectMs: 1893, attempts: 1, foundStanding: false))
        ),
      ])
  }

  @Test func `a hub: one device answers, one is silent, and the clean-up has trouble`() throws {
    try check(
      "b7e2-119",
      [
        (3, .stage(.lock, attempt: 1)), (4, .stage(.bus, attempt: 1)), (17, .stage(.scan, attempt: 1)),
        (2204, .stage(.connect, attempt: 1)), (9290, .stage(.bus, attempt: 2)), (9303, .stage(.release, attempt: 2)),
        (9310, .stage(.connect, attempt: 2)),
        (10_417, .stage(.services, attempt: 2)), (10_980, .stage(.subscribe, attempt: 2)),
        (11_062, .stage(.read, attempt: 2)),
        (
          11_733,
          .readings(
            DeviceReadings(
              device: "Roof", profile: "controller", unit: 16, model: nil,
              readings: [
                "battery_soc": Reading(.number(100), unit: "%"), "battery_voltage": Reading(.number(13.6), unit: "V"),
                "battery_current": Reading(.number(-2.35), unit: "A"),
                "charging_status": Reading(.text("float"), unit: nil),
              ],
              implausible: [], rawSign: ["battery_current"]))
        ),
        (
          16_741,
          .failed(
            device: "Bank", FailureReport(.silent, at: .read, "Bank: no answer from unit 48 to registers 5042/6."))
        ),
        (16_742, .stage(.disconnect, attempt: 1)),
        (
          19_302,
          .done(
            Done(
              link: .left,
              stages: [
                .start: 3, .lock: 1, .bus: 26, .release: 7, .scan: 2187, .connect: 8193, .services: 563, .subscribe: 82,
                .read: 5680,
                .disconnect: 2560,
              ],
              connectMs: 10_417, attempts: 2, foundStanding: false, rssi: -71,
              blocks: ["Roof": BlockNotes(unsupported: ["57348/1"], silent: ["57345/12"])],
              trouble: FailureReport(.daemonSilent, at: .disconnect, "bluetoothd did not answer Disconnect within 2.5 s.")))
        ),
      ])
  }

  @Test func `a poll that was told to stop`() throws {
    try check(
      "b7e2-120",
      [
        (3, .stage(.lock, attempt: 1)), (4, .stage(.bus, attempt: 1)), (18, .stage(.release, attempt: 1)),
        (22, .stage(.connect, attempt: 1)), (9051, .stopped(.connect)),
      ])
  }

  @Test func `a scan`() throws {
    let inverter = try #require(Address("D8:B6:73:BF:4F:75"))
    let dongle = try #require(Address("C4:D3:6A:00:12:FE"))
    let stranger = try #require(Address("5C:02:14:7A:90:0B"))
    try check(
      "hand",
      [
        (2, .stage(.bus, attempt: 1)), (15, .stage(.scan, attempt: 1)),
        (
          1204,
          .seen(
            SeenDevice(
              address: inverter, name: "BTRIC134000035", rssi: -58, adapter: "hci0", profile: "inverter", isRenogy: true))
        ),
        (
          1377,
          .seen(
            SeenDevice(address: dongle, name: "BT-TH-6A0012FE", rssi: -80, adapter: "hci0", profile: nil, isRenogy: true))
        ),
        (
          10_016,
          .seen(SeenDevice(address: stranger, name: nil, rssi: nil, adapter: "hci0", profile: nil, isRenogy: false))
        ),
        (10_020, .done(Done(link: .none, stages: [.start: 2, .bus: 13, .scan: 10_005]))),
      ])
  }

  @Test func `a release that found a link and saw it closed`() throws {
    try check(
      "b7e2-121",
      [
        (2, .stage(.lock, attempt: 1)), (3, .stage(.bus, attempt: 1)), (14, .stage(.release, attempt: 1)),
        (
          2391,
          .done(Done(link: .closed, stages: [.start: 2, .lock: 1, .bus: 11, .release: 2377], foundStanding: true))
        ),
      ])
  }

  @Test func `a probe of two adapters`() throws {
    let inverter = try #require(Address("D8:B6:73:BF:4F:75"))
    try check(
      "b7e2-122",
      [
        (2, .stage(.bus, attempt: 1)),
        (
          13,
          .probed(
            Probe(
              adapters: [
                .init(
                  name: "hci0", address: "00:1A:7D:DA:71:13", powered: true, discovering: false, devices: 14, connected: 1,
                  links: [inverter], blocked: false),
                .init(
                  name: "hci1", address: "00:1A:7D:DA:71:14", powered: false, discovering: false, devices: 0, connected: 0,
                  links: [], blocked: true),
              ], followers: [.init(name: ":1.42", process: 812)]))
        ),
        (13, .done(Done(link: .none, stages: [.start: 2, .bus: 11]))),
      ])
  }

  @Test func `a good poll by the kernel's link, and what it learned`() throws {
    try check(
      "b7e2-125",
      [
        (3, .stage(.lock, attempt: 1)), (4, .link(by: .kernel)), (4, .stage(.connect, attempt: 1)),
        (36, .stage(.services, attempt: 1)), (71, .stage(.subscribe, attempt: 1)), (80, .stage(.read, attempt: 1)),
        (
          271,
          .readings(
            DeviceReadings(
              device: "Inverter", profile: "inverter", unit: 32, model: nil,
              readings: ["battery_voltage": Reading(.number(52.4), unit: "V")]))
        ),
        (271, .stage(.disconnect, attempt: 1)),
        (
          272,
          .done(
            Done(
              link: .closed, by: .kernel,
              stages: [.start: 3, .lock: 1, .connect: 32, .services: 35, .subscribe: 9, .read: 191, .disconnect: 1],
              connectMs: 36, attempts: 1,
              learned: Learned(
                addressType: .random, adapter: "hci1", handles: SerialHandles(write: 18, notify: 34, configuration: 35))))
        ),
      ])
  }

  @Test func `a good poll that forgot the module first`() throws {
    try check(
      "b7e2-126",
      [
        (3, .stage(.lock, attempt: 1)), (4, .link(by: .bluez)), (4, .stage(.bus, attempt: 1)),
        (18, .stage(.release, attempt: 1)), (31, .stage(.scan, attempt: 1)), (1240, .stage(.connect, attempt: 1)),
        (1893, .stage(.services, attempt: 1)), (2711, .stage(.subscribe, attempt: 1)), (2790, .stage(.read, attempt: 1)),
        (
          4418,
          .readings(
            DeviceReadings(
              device: "Inverter", profile: "inverter", unit: 32, model: nil,
              readings: ["battery_voltage": Reading(.number(52.4), unit: "V")]))
        ),
        (4420, .stage(.disconnect, attempt: 1)),
        (
          6744,
          .done(
            Done(
              link: .closed, by: .bluez,
              stages: [
                .start: 3, .lock: 1, .bus: 14, .release: 13, .scan: 1209, .connect: 653, .services: 818, .subscribe: 79,
                .read: 1630, .disconnect: 2324,
              ],
              connectMs: 1893, attempts: 1, forgot: true, rssi: -64))
        ),
      ])
  }

  @Test func `a poll that left another program's link alone`() throws {
    try check(
      "b7e2-127",
      [
        (3, .stage(.lock, attempt: 1)), (4, .link(by: .bluez)), (4, .stage(.bus, attempt: 1)),
        (18, .stage(.release, attempt: 1)),
        (
          19,
          .failed(
            device: "Inverter",
            FailureReport(
              .busy, at: .release, "Another program on this host is connected to D8:B6:73:BF:4F:75; its link was left alone."))
        ),
        (
          19,
          .done(
            Done(link: .none, by: .bluez, stages: [.start: 3, .lock: 1, .bus: 14, .release: 1], foundStanding: true))
        ),
      ])
  }

  @Test func `a reset of an adapter`() throws {
    try check(
      "b7e2-128",
      [
        (2, .stage(.bus, attempt: 1)), (13, .stage(.release, attempt: 1)),
        (6230, .done(Done(link: .none, stages: [.start: 2, .bus: 11, .release: 6217]))),
      ])
  }

  @Test func `a poll of a device that was told by its model, with its days`() throws {
    try check(
      "b7e2-129",
      [
        (2, .stage(.lock, attempt: 1)),
        (
          612,
          .readings(
            DeviceReadings(
              device: "Roof", profile: "controller", unit: 255, model: "RNG-CTRL-RVR40",
              readings: [
                "battery_power": Reading(.number(1.022), unit: "W"), "battery_voltage": Reading(.number(14.6), unit: "V"),
                "faults": Reading(.text("none")), "power_generation_total": Reading(.number(13_094), unit: "Wh"),
              ], implausible: ["battery_temperature"], derived: ["battery_power"], counters: ["power_generation_total"],
              confidence: .model,
              days: [
                DayReadings(daysAgo: 0, readings: ["power_generation": Reading(.number(125), unit: "Wh")]),
                DayReadings(daysAgo: 1, readings: ["power_generation": Reading(.number(160), unit: "Wh")]),
              ]))
        ),
      ])
  }

  @Test func `who answers behind a module`() throws {
    try check(
      "b7e2-130",
      [
        (1902, .found(Found(unit: 48, profile: "battery", confidence: .model, model: "RBT50LFP48S"))),
        (2911, .found(Found(unit: 96, profile: "controller", confidence: .guess))),
        (
          9950,
          .done(
            Done(
              link: .closed, by: .kernel,
              stages: [.start: 2, .lock: 1, .connect: 31, .services: 30, .subscribe: 9, .read: 9877], connectMs: 34,
              attempts: 1,
              learned: Learned(
                addressType: .public, handles: SerialHandles(write: nil, notify: 18, configuration: 19),
                name: "BT-TH-66F94E1C")))
        ),
      ])
  }

  @Test func `every failure class has one example, which reads as it stands there`() throws {
    let lines = try lines(of: "-") + lines(of: "b7e2-123")
    var classes: [Failure] = []
    for line in lines {
      let json = try JSON(line)
      let read = try Wire.decode(EventLine.self, from: line)
      guard case .failed(let device, let report) = read.event else {
        Issue.record("\(String(decoding: line, as: UTF8.self)) is no failure")
        continue
      }
      classes.append(report.failure)
      #expect(json["failure", "class"] == .string(report.failure.rawValue))
      #expect(json["failure", "stage"] == .string(report.stage.rawValue))
      #expect(json["failure", "message"] == .string(report.message))
      #expect(json["device"] == device.map(JSON.string) ?? .null)
      // `whose` and `advice` included: the example shows what a worker writes today.
      #expect(try JSON(Wire.line(read)) == json)
    }
    #expect(classes == Failure.allCases)
  }

  @Test(arguments: try RefusedLine.all("refused-events"))
  func `an event line that must be refused is refused by its class`(refused: RefusedLine) throws {
    let error = try #require(throws: (any Error).self) {
      try Wire.decode(EventLine.self, from: Array(refused.line.utf8))
    }
    // As a supervisor concludes: another version has a name; all the rest but an unknown word is babble.
    let failure: Failure? =
      switch error {
      case is EventLine.OtherVersion: .versionUnknown
      case is EventLine.UnknownEvent: nil
      default: .workerBabbled
      }
    #expect(failure?.rawValue == refused.class)
  }
}
