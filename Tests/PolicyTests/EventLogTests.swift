import FoundationEssentials
import Policy
import Readings
import Testing

/// What is still known later of what went wrong.
@Suite struct EventLogTests {
  private let device: DeviceConfig
  private let other: DeviceConfig

  init() throws {
    let devices = try #require(Sample.module(devices: ["Inverter", "Battery"])).devices
    (device, other) = (devices[0], devices[1])
  }

  private func wall(_ seconds: Double) -> Date { Date(timeIntervalSince1970: 1_784_000_000 + seconds) }

  private func failure(_ failure: Failure, of device: DeviceConfig, at seconds: Double) -> FleetEvent {
    FleetEvent(FailureReport(failure, at: .connect, "Seen at \(seconds)."), of: device, at: wall(seconds))
  }

  @Test func `failures that are alike and in a row are one event, with the first and the last time`() throws {
    var log = EventLog()
    for second in [0.0, 30, 60] {
      log.note(failure(.notSeen, of: device, at: second))
      log.note(failure(.silent, of: other, at: second))
    }
    log.note(failure(.linkLost, of: device, at: 90))
    log.note(failure(.notSeen, of: device, at: 120))
    #expect(log.all.map(\.name) == ["not_seen", "silent", "link_lost", "not_seen"])
    #expect(log.all.map(\.count) == [3, 3, 1, 1])
    let first = try #require(log.all.first)
    #expect(first.at == wall(0) && first.lastAt == wall(60) && first.message == "Seen at 60.0.")
    #expect(first.advice == Failure.notSeen.advice)
  }

  @Test func `a device that is read again ends its row, and is told by how many failures`() {
    var log = EventLog()
    log.noteSuccess(of: device, at: wall(0))
    #expect(log.all.isEmpty, "a success by itself is no news")
    log.note(failure(.notSeen, of: device, at: 30))
    log.note(failure(.silent, of: device, at: 60))
    log.noteSuccess(of: other, at: wall(90))
    log.noteSuccess(of: device, at: wall(90))
    log.noteSuccess(of: device, at: wall(120))
    log.note(failure(.silent, of: device, at: 150))
    #expect(log.all.map(\.kind) == [.failed, .failed, .recovered, .failed])
    #expect(log.all[2].message == "read again, after 2 failures in a row" && log.all[2].device == "Inverter")
    #expect(log.all.map(\.count) == [1, 1, 1, 1])
  }

  @Test func `a failure outlives any number of other events`() {
    var log = EventLog()
    log.note(failure(.accessDenied, of: device, at: 0))
    for number in 0..<10_000 { log.note(FleetEvent(.status, device: "Inverter", message: "\(number)", at: wall(1))) }
    #expect(log.all.count == EventLog.kept + 1)
    #expect(log.all.first?.name == "access_denied")
    #expect(log.all.last?.message == "9999", "and of the others the newest are kept")
    for number in 0..<1000 { log.note(failure(number % 2 == 0 ? .silent : .notSeen, of: device, at: 2)) }
    #expect(log.all.count == 2 * EventLog.kept)
    #expect(log.all.first?.kind == .status, "failures push out failures only")
  }

  @Test func `who fails and recovers all the time pushes out nobody else's events`() {
    var log = EventLog()
    for second in [0.0, 30] { log.note(failure(.accessDenied, of: other, at: second)) }
    log.noteSuccess(of: other, at: wall(60))
    for second in 0..<5000 {
      log.note(failure(.notSeen, of: device, at: 100 + Double(second)))
      log.noteSuccess(of: device, at: wall(100 + Double(second)))
    }
    #expect(log.all.count == 2 * EventLog.kept)
    #expect(log.all.first?.name == "access_denied" && log.all.first?.count == 2)
    #expect(log.all.contains { $0.kind == .recovered && $0.device == "Battery" })
  }

  @Test func `what goes on is not old: a row that lasts outlives others of its device`() {
    var log = EventLog()
    for second in 0..<1000 {
      log.note(failure(.silent, of: device, at: Double(second)))
      log.note(failure(second % 2 == 0 ? .notSeen : .linkLost, of: other, at: Double(second)))
    }
    let row = log.all.first { $0.device == "Inverter" }
    #expect(row?.count == 1000 && row?.at == wall(0) && row?.lastAt == wall(999))
  }

  @Test func `another device of a name begins anew`() {
    var log = EventLog()
    log.note(failure(.notSeen, of: device, at: 0))
    log.endRow(of: device.name)
    log.noteSuccess(of: device, at: wall(1))
    #expect(log.all.map(\.kind) == [.failed], "it has recovered from nothing")
    log.note(failure(.notSeen, of: device, at: 2))
    #expect(log.all.map(\.count) == [1, 1])
  }

  @Test func `over a restart events are kept, in their order, and a row is not continued`() throws {
    var memory = FleetMemory()
    memory.events.note(failure(.notSeen, of: device, at: 0))
    memory.events.note(
      FleetEvent(Problem(.storeFailed, message: "It is full.", advice: "Make room."), at: wall(1)))
    memory.events.note(FleetEvent(LadderStep(.forget, address: device.address, at: wall(2))))
    let next = FleetMemory(memory.documents.reversed())
    #expect(next.unread == 0 && next == memory)
    var log = next.events
    log.note(failure(.notSeen, of: device, at: 3))
    #expect(log.all.map(\.name) == ["not_seen", "store_failed", "forget", "not_seen"])
    // A document that changes costs a write: those of what has not changed are as they were.
    memory.events = log
    #expect(memory.documents.count { !next.documents.contains($0) } == 1)
  }

  @Test(arguments: ["", "x", "-1", "0", "9223372036854775807"])
  func `a document that cannot be one costs nothing but itself`(key: String) {
    var memory = FleetMemory()
    memory.events.note(failure(.notSeen, of: device, at: 0))
    var documents = memory.documents
    documents.append(.init(kind: "event", key: key, text: documents[0].text))
    documents.append(.init(kind: "event", key: "7", text: "{}"))
    var log = FleetMemory(documents).events
    log.note(failure(.silent, of: device, at: 1))
    #expect(log.all.map(\.name) == ["not_seen", "silent"])
  }
}
