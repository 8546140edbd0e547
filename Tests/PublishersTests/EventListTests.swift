import FoundationEssentials
import Policy
import Publishers
import Readings
import Testing

@Suite struct EventListTests {
  @Test func `a line an event, and under what went wrong what to do`() throws {
    let device = DeviceConfig(
      name: "In\u{1B}[31mverter", address: try #require(Address("D8:B6:73:BF:4F:75")), profile: "inverter")
    func wall(_ seconds: Double) -> Date { Date(timeIntervalSince1970: 1_784_000_000 + seconds) }
    var log = EventLog()
    log.note(FleetEvent(.started, message: "BluPow 0.1.0 started", at: wall(0)))
    for second in [1.0, 31] {
      log.note(FleetEvent(FailureReport(.notSeen, at: .connect, "It was not seen for 8 s."), of: device, at: wall(second)))
    }
    log.note(FleetEvent(Problem(.storeFailed, message: "The disk is full.", advice: "Make room."), at: wall(40)))
    log.note(FleetEvent(.settled, name: "store_failed", message: "is over, after 20 s", at: wall(60)))
    log.noteSuccess(of: device, at: wall(61))
    log.note(FleetEvent(.status, device: "Workshop", name: "connected", message: "Workshop is connected", at: wall(62)))
    #expect(
      EventList(log.all).text == """
        2026-07-14T03:33:20Z  BluPow: BluPow 0.1.0 started
        2026-07-14T03:33:51Z  In?[31mverter: not_seen at connect: It was not seen for 8 s. (2 times in a row, since 2026-07-14T03:33:21Z)
            \(Failure.notSeen.advice)
        2026-07-14T03:34:00Z  BluPow: store_failed: The disk is full.
            Make room.
        2026-07-14T03:34:20Z  BluPow: store_failed: is over, after 20 s
        2026-07-14T03:34:21Z  In?[31mverter: read again, after 2 failures in a row
        2026-07-14T03:34:22Z  Workshop is connected

        """)
  }

  @Test func `where nothing has happened it says so`() {
    #expect(EventList([]).text == "Nothing has happened yet.\n")
  }
}
