import FoundationEssentials
import Policy
import Readings
import Testing

@Suite struct DeviceRecordTests {
  private let limits = Freshness.Limits(
    interval: .seconds(30), deadline: .seconds(25), cacheFor: .seconds(300), grace: .seconds(600))
  private let wall = Date(timeIntervalSince1970: 1_784_000_000.25)

  private func record() throws -> DeviceRecord {
    let device = try #require(Sample.module()?.devices.first)
    return DeviceRecord(device, start: Sample.start)
  }

  private func status(_ record: DeviceRecord, at seconds: Double) -> DeviceStatus {
    record.status(limits: limits, deadline: .seconds(25), at: Sample.at(seconds))
  }

  @Test func `before the first success nothing is shown and it is not available`() throws {
    var record = try record()
    record.note(Sample.failure("p-1", .notSeen), limits: limits, at: Sample.at(20), wall: wall)
    let status = status(record, at: 21)
    #expect(status.status == .disconnected && !status.available)
    #expect(status.readings.isEmpty && status.age == nil && status.readAt == nil)
    #expect(status.failure?.failure == .notSeen && status.consecutiveFailures == 1)
  }

  @Test func `readings count while the poll still closes its link, and the poll once`() throws {
    var record = try record()
    record.note(Sample.failure("p-1", .notSeen), limits: limits, at: Sample.at(1), wall: wall)
    record.note(Sample.readings(), limits: limits, at: Sample.at(30), wall: wall)
    let closing = status(record, at: 31)
    #expect(closing.status == .connected && closing.age == .seconds(1) && closing.failure == nil)
    #expect(closing.successRate == 0, "the poll is not over")
    record.note(Sample.success("p-2"), limits: limits, at: Sample.at(33), wall: wall)
    #expect(status(record, at: 33).status == .connected && status(record, at: 33).successRate == 0.5)
  }

  @Test func `readings that their own poll contradicts are taken back`() throws {
    var record = try record()
    record.note(Sample.failure("p-1", .notSeen), limits: limits, at: Sample.at(1), wall: wall)
    record.note(Sample.readings(), limits: limits, at: Sample.at(30), wall: wall)
    record.note(Sample.failure("p-2", .workerBabbled), limits: limits, at: Sample.at(31), wall: wall)
    let after = status(record, at: 31)
    #expect(after.age == nil && after.readings.isEmpty && !after.available)
    #expect(after.consecutiveFailures == 2 && after.failure?.failure == .workerBabbled)
  }

  @Test func `availability is the age of the last readings, however often polls fail`() throws {
    var record = try record()
    record.note(Sample.success("p-1"), limits: limits, at: Sample.start, wall: wall)
    for minute in 1...20 {
      record.note(Sample.failure("p", .notSeen), limits: limits, at: Sample.at(Double(minute) * 60), wall: wall)
    }
    #expect(status(record, at: 60).status == .offline)
    #expect(status(record, at: 600).available)
    let gone = status(record, at: 1200)
    #expect(!gone.available && gone.readings.isEmpty && gone.age == .seconds(1200))
    #expect(gone.availability == 0.5)
  }

  @Test func `cached values are the ones that were read, with their age and their time`() throws {
    var record = try record()
    record.note(Sample.success("p-1"), limits: limits, at: Sample.start, wall: wall)
    record.note(Sample.failure("p-2", .linkLost), limits: limits, at: Sample.at(40), wall: wall.addingTimeInterval(40))
    let status = status(record, at: 50)
    #expect(status.readings == ["battery_voltage": Reading(.number(52.4), unit: "V")])
    #expect(status.age == .seconds(50) && status.readAt == wall)
    #expect(status.successRate == 0.5 && status.connectMsMean == 1240 && status.connectMs == nil)
  }

  @Test func `readings are as old as their reading, not as the end of their poll`() throws {
    var record = try record()
    var outcome = Sample.success("p-1")
    outcome.readAt = ["Inverter": .milliseconds(800)]
    record.note(outcome, limits: limits, at: Sample.at(10), wall: wall)
    // The poll lasted 3 s, of which the last 2.2 went to closing the link.
    #expect(status(record, at: 10).age == .milliseconds(2200))
    #expect(status(record, at: 10).readAt == wall - 2.2)
    outcome.readAt = ["Inverter": .seconds(5)]
    record.note(outcome, limits: limits, at: Sample.at(20), wall: wall)
    #expect(status(record, at: 20).age == .zero, "a worker's clock cannot make readings younger than now")
  }

  @Test func `a poll that we stopped says nothing about the device`() throws {
    var record = try record()
    record.note(Sample.success("p-1"), limits: limits, at: Sample.start, wall: wall)
    let before = record
    record.note(Sample.failure("p-2", .stopped), limits: limits, at: Sample.at(10), wall: wall)
    #expect(record == before)
  }

  @Test func `its JSON has every documented key, and reads back as the same`() throws {
    var record = try record()
    var outcome = Sample.success("p-1")
    outcome.linkedBy = .kernel
    record.note(outcome, limits: limits, at: Sample.start, wall: wall)
    let text = String(decoding: try Wire.line(status(record, at: 12.34)), as: UTF8.self)
    #expect(
      text
        == """
        {"address":"D8:B6:73:BF:4F:75","age_s":12.3,"availability":1,"available":true,"confidence":null,"connect_ms":1240,"connect_ms_mean":1240,\
        "consecutive_failures":0,"deadline_s":25,"derived":[],"failure":null,"implausible":[],"interval_s":null,"link":"kernel","model":"RIV1230RCH-SPS","name":"Inverter",\
        "poll_ms":3000,"profile":"inverter","raw_sign":[],"read_at":"2026-07-14T03:33:20.250Z","readings":{"battery_voltage":{"unit":"V","value":52.4}},\
        "rssi":null,"status":"connected","success_rate":1,"test_mode":false,"unit":null}

        """)
    var device = status(record, at: 12)
    device.interval = .seconds(30)
    let fleet = FleetStatus(
      gateway: "cabin", uptime: .seconds(3600), descriptors: 31, strays: 0,
      places: ServicePlaces(broker: "broker.lan:8883", stateDirectory: "/var/lib/blupow"), devices: [device])
    #expect(try Wire.decode(FleetStatus.self, from: try Wire.line(fleet)) == fleet)
  }

  @Test func `a failure's JSON has class, stage, whose, message and advice`() throws {
    var record = try record()
    record.note(Sample.failure("p-1", .slots), limits: limits, at: Sample.start, wall: wall)
    let text = String(decoding: try Wire.line(status(record, at: 1)), as: UTF8.self)
    #expect(text.contains(#""failure":{"advice":"The adapter has no free connection slot"#))
    #expect(text.contains(#""class":"slots","message":"It went wrong.","stage":"connect","whose":"adapter"}"#))
  }

  // MARK: Counters

  /// A poll that read this counter, its readings while it closed its link or not.
  private func poll(_ record: inout DeviceRecord, _ energy: Double?, at seconds: Double, closing: Bool = false) -> DeviceStatus {
    var readings = Sample.readings()
    readings.readings["total_energy"] = energy.map { Reading(.number($0), unit: "Wh") }
    readings.counters = ["total_energy"]
    if closing { record.note(readings, limits: limits, at: Sample.at(seconds - 2), wall: wall) }
    var outcome = Sample.success("p")
    outcome.answers = ["Inverter": .readings(readings)]
    record.note(outcome, limits: limits, at: Sample.at(seconds), wall: wall)
    return status(record, at: seconds)
  }

  @Test(arguments: [false, true]) func `a counter that falls is withheld until the third poll, each counted once`(closing: Bool)
    throws
  {
    var record = try record()
    let values = [100, 1, nil, 2, 3, 4].enumerated().map { index, value in
      poll(&record, value, at: Double(index) * 30, closing: closing)
    }
    #expect(values.map { $0.readings["total_energy"]?.value } == [.number(100), nil, nil, nil, .number(3), .number(4)])
    #expect(values.map(\.implausible) == [[], ["total_energy"], [], ["total_energy"], [], []])
    #expect(values.allSatisfy { $0.readings["battery_voltage"] != nil })
  }

  @Test func `a counter that falls is not shown while its poll still closes its link either`() throws {
    var record = try record()
    _ = poll(&record, 100, at: 0)
    var readings = Sample.readings()
    readings.readings["total_energy"] = Reading(.number(1), unit: "Wh")
    readings.counters = ["total_energy"]
    record.note(readings, limits: limits, at: Sample.at(30), wall: wall)
    #expect(status(record, at: 30).readings["total_energy"] == nil)
    #expect(status(record, at: 30).implausible == ["total_energy"])
  }

  @Test func `readings that their own poll contradicts count for no counter`() throws {
    var record = try record()
    _ = poll(&record, 100, at: 0)
    for seconds in [30.0, 60, 90, 120] {
      var readings = Sample.readings()
      readings.readings["total_energy"] = Reading(.number(900), unit: "Wh")
      readings.counters = ["total_energy"]
      record.note(readings, limits: limits, at: Sample.at(seconds - 1), wall: wall)
      record.note(Sample.failure("p", .workerBabbled), limits: limits, at: Sample.at(seconds), wall: wall)
    }
    #expect(poll(&record, 101, at: 150).readings["total_energy"]?.value == .number(101))
  }

  // MARK: A profile that is found out

  @Test func `a device that is found out shows what it was read by, and how that was told`() throws {
    var device = try #require(Sample.module()?.devices.first)
    device.profile = DeviceConfig.automatic
    var record = DeviceRecord(device, start: Sample.start)
    #expect(status(record, at: 0).profile == "auto" && status(record, at: 0).confidence == nil)
    var readings = Sample.readings()
    readings.confidence = .model
    readings.derived = ["battery_power"]
    record.note(readings, limits: limits, at: Sample.start, wall: wall)
    let found = status(record, at: 1)
    #expect(found.profile == "inverter" && found.confidence == .model && found.derived == ["battery_power"])
    let gone = status(record, at: 1200)
    #expect(gone.profile == "inverter" && gone.derived == [])
  }

  @Test func `where the profile is configured nobody has told it`() throws {
    var record = try record()
    var readings = Sample.readings()
    readings.confidence = .guess
    record.note(readings, limits: limits, at: Sample.start, wall: wall)
    #expect(status(record, at: 1).confidence == nil)
  }
}
