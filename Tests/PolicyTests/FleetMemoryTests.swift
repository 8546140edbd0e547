import FoundationEssentials
import Policy
import Readings
import Testing

/// What a process leaves, and what a later one makes of it: the freshness table over restarts.
@Suite struct FleetMemoryTests {
  private let limits = Freshness.Limits(
    interval: .seconds(30), deadline: .seconds(25), cacheFor: .seconds(300), grace: .seconds(600))
  private let device: DeviceConfig
  private let wall = 1_784_000_000.0

  init() throws { device = try #require(Sample.module()?.devices.first) }

  /// What a process left that read its device at its start, was polled in vain since, and ended.
  private func left(isSynchronised: Bool = true) throws -> [FleetMemory.Document] {
    let clock = Sample.clock(boot: "a", at: Sample.start, wall: wall, isSynchronised: isSynchronised)
    var record = DeviceRecord(device, start: Sample.start)
    record.note(
      Sample.success("p-1"), limits: limits, at: Sample.start, wall: Date(timeIntervalSince1970: wall),
      isSynchronised: isSynchronised)
    record.note(Sample.failure("p-2", .notSeen), limits: limits, at: Sample.at(30), wall: .distantPast)
    var memory = FleetMemory()
    memory.devices[device.name] = record.keepsake(clock)
    return memory.documents
  }

  /// Its status for a process that starts `minutes` after the reading.
  private func status(
    _ documents: [FleetMemory.Document], after minutes: Double, boot: String = "a", isSynchronised: Bool = true,
    of device: DeviceConfig? = nil
  ) throws -> DeviceStatus {
    let memory = FleetMemory(documents)
    #expect(memory.unread == 0)
    // A process of another boot has another idea of when it is.
    let now = Sample.at(1_000_000)
    let clock = Sample.clock(
      boot: boot, at: now, uptime: boot == "a" ? 1000 + minutes * 60 : 12, wall: wall + minutes * 60,
      isSynchronised: isSynchronised)
    let record = DeviceRecord(device ?? self.device, keepsake: try #require(memory.devices["Inverter"]), clock: clock)
    return record.status(limits: limits, deadline: .seconds(25), at: now)
  }

  @Test(
    arguments: [(0.1, "offline", true), (4, "offline", true), (8, "disconnected", true), (20, "disconnected", false)], ["a", "b"])
  func `after a restart and after a reboot the table holds, and nothing is connected`(
    after: (minutes: Double, status: String, available: Bool), boot: String
  ) throws {
    let status = try status(left(), after: after.minutes, boot: boot)
    #expect(status.status.rawValue == after.status && status.available == after.available)
    #expect(status.readings.isEmpty != after.available)
    #expect(status.age == .seconds(after.minutes * 60))
    #expect(status.readAt == Date(timeIntervalSince1970: wall))
    #expect(status.consecutiveFailures == 1 && status.successRate == 0.5)
  }

  @Test(arguments: [(true, false), (false, true), (false, false)])
  func `after a reboot with a clock that nobody vouches for nothing is shown`(then: Bool, now: Bool) throws {
    let status = try status(left(isSynchronised: then), after: 4, boot: "b", isSynchronised: now)
    #expect(!status.available && status.readings.isEmpty && status.age == nil)
  }

  @Test func `within one boot it does not matter whether the clock is right`() throws {
    #expect(try status(left(isSynchronised: false), after: 4, isSynchronised: false).age == .seconds(240))
  }

  @Test func `readings from the future are nobody's`() throws {
    #expect(try status(left(), after: -1, boot: "b").age == nil)
  }

  @Test func `readings of another device are not believed, whatever its name`() throws {
    var others = [device, device, device, device]
    others[0].address = try #require(Address("D8:B6:73:BF:4F:76"))
    others[1].profile = "controller"
    others[2].unit = 48
    others[3].testMode = true
    for other in others { #expect(try status(left(), after: 1, of: other).age == nil) }
  }

  @Test(arguments: ["a", "b"]) func `counters hold over restarts, and though nobody knows how old the readings are`(boot: String)
    throws
  {
    var readings = Sample.readings()
    readings.readings["total_energy"] = Reading(.number(100), unit: "Wh")
    readings.counters = ["total_energy"]
    func outcome(_ energy: Double) -> PollOutcome {
      readings.readings["total_energy"] = Reading(.number(energy), unit: "Wh")
      var outcome = Sample.success("p")
      outcome.answers = ["Inverter": .readings(readings)]
      return outcome
    }
    var record = DeviceRecord(device, start: Sample.start)
    record.note(
      outcome(100), limits: limits, at: Sample.start, wall: Date(timeIntervalSince1970: wall), isSynchronised: false)
    var memory = FleetMemory()
    memory.devices[device.name] = record.keepsake(Sample.clock(boot: "a", at: Sample.start, isSynchronised: false))
    let kept = try #require(FleetMemory(memory.documents).devices["Inverter"])
    let now = Sample.at(1_000_000)
    var later = DeviceRecord(device, keepsake: kept, clock: Sample.clock(boot: boot, at: now, isSynchronised: false))
    var shown: [Reading.Value?] = []
    for energy in [99.0, 98, 98, 98, 99] {
      later.note(outcome(energy), limits: limits, at: now, wall: .distantPast)
      shown.append(later.status(limits: limits, deadline: .seconds(25), at: now).readings["total_energy"]?.value)
    }
    #expect(shown == [nil, nil, nil, .number(98), .number(99)])
  }

  @Test func `what a process before there were counters left is read as it was`() throws {
    let documents = try left().map { document in
      var document = document
      document.text = document.text.replacing("\"counters\":{},", with: "")
      return document
    }
    #expect(try documents != left() && status(documents, after: 1).age == .seconds(60))
  }

  @Test func `a document that nothing has changed in is the same text`() throws {
    #expect(try left() == left())
  }

  @Test func `documents that cannot be read cost nothing but themselves`() throws {
    var documents = try left()
    documents.append(.init(kind: "device", key: "Battery", text: "{"))
    documents.append(.init(kind: "module", key: "no address", text: "{}"))
    documents.append(.init(kind: "weather", key: "sky", text: "{}"))
    let memory = FleetMemory(documents)
    #expect(memory.unread == 3)
    #expect(memory.devices.keys.sorted() == ["Inverter"])
  }

  @Test func `a stored number that cannot be costs nothing but its document, and what is said of it is understood`() throws {
    let document = try #require(try left().first)
    let good = FleetMemory.Document(kind: "device", key: "Battery", text: document.text)
    let numbers = document.text.matches(of: /[:,\[](?<number>-?[0-9][0-9.]*)(?=[,}\]])/)
    #expect(numbers.count > 8)
    let now = Sample.at(1_000_000)
    for number in numbers {
      for odd in ["1e30", "-1e300", "1e19", "9223372036854775807", "-9223372036854775808", "1e11", "-5"] {
        var bad = document
        bad.text = document.text[..<number.output.number.startIndex] + odd + document.text[number.output.number.endIndex...]
        let memory = FleetMemory([bad, good])
        #expect(memory.devices["Battery"] != nil && memory.unread == (memory.devices["Inverter"] == nil ? 1 : 0))
        guard let kept = memory.devices["Inverter"] else { continue }
        for boot in ["a", "b"] {
          let record = DeviceRecord(device, keepsake: kept, clock: Sample.clock(boot: boot, at: now, wall: wall + 60))
          let status = record.status(limits: limits, deadline: .seconds(25), at: now)
          #expect(throws: Never.self, "\(bad.text)") { try Wire.decode(DeviceStatus.self, from: Wire.line(status)) }
        }
      }
    }
  }

  @Test func `availability goes on where it was, without the time in between`() throws {
    var record = DeviceRecord(device, start: Sample.start)
    record.note(Sample.success("p-1"), limits: limits, at: Sample.start, wall: .distantPast)
    // Available for 600 of 1200 s.
    record.note(Sample.failure("p-2", .notSeen), limits: limits, at: Sample.at(1200), wall: .distantPast)
    let kept = record.keepsake(Sample.clock(boot: "a", at: Sample.start))
    func share(uptime: Double, later seconds: Double) throws -> Double? {
      let now = Sample.at(9000)
      var later = DeviceRecord(device, keepsake: kept, clock: Sample.clock(boot: "a", at: now, uptime: uptime))
      later.note(Sample.failure("p-3", .notSeen), limits: limits, at: now + .seconds(seconds), wall: .distantPast)
      return later.status(limits: limits, deadline: .seconds(25), at: now + .seconds(seconds)).availability
    }
    #expect(try share(uptime: 2200, later: 0) == 0.5)
    #expect(try share(uptime: 5000, later: 0) == 0.5, "nobody knows what it was meanwhile")
    #expect(try share(uptime: 5000, later: 1200) == 0.25)
    #expect(try share(uptime: 2200 + 90_000, later: 0) == nil, "that day is over")
  }

  @Test(arguments: [
    #"{"buckets":[[0,300000,300001]],"since_start_ms":1000}"#, #"{"buckets":[[5,1,1],[4,1,1]],"since_start_ms":3000000}"#,
    #"{"buckets":[[9,1,1]],"since_start_ms":1000}"#, #"{"buckets":[[0,1]],"since_start_ms":1000}"#,
    #"{"buckets":[[-1,1,1]],"since_start_ms":1000}"#, #"{"buckets":[],"since_start_ms":-5}"#,
    #"{"buckets":[[0,-5,0]],"since_start_ms":1000}"#,
  ])
  func `an availability that cannot be is none`(text: String) throws {
    let until = #""until":{"boot":"a","synchronised":true,"uptime_ms":1000000,"wall_ms":0},"#
    let kept = try Wire.decode(AvailabilityRecord.Keepsake.self, from: Array(("{" + until + text.dropFirst()).utf8))
    #expect(AvailabilityRecord(kept, clock: Sample.clock(boot: "a", at: Sample.start)).share == nil)
  }
}
