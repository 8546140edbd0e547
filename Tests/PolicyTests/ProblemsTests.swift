import FoundationEssentials
import Policy
import Readings
import Testing

@Suite struct ProblemsTests {
  private let wall = Date(timeIntervalSince1970: 1_784_000_000)

  @Test func `one that lasts is one, with its beginning and its newest words`() {
    var problems = Problems()
    let first = Problem(.busAway, message: "bluetoothd is not running.", advice: "Start it.")
    var second = first
    second.message = "bluetoothd does not answer."
    #expect(problems.raise(first, at: Sample.start, wall: wall) == true)
    #expect(problems.raise(second, at: Sample.at(60), wall: wall + 60) == false)
    second.since = wall
    #expect(problems.all == [second])
    let ended = problems.settle(.busAway, at: Sample.at(312))
    #expect(ended?.problem == second && ended?.lasted == .seconds(312))
    #expect(problems.settle(.busAway, at: Sample.at(313)) == nil)
  }

  @Test func `each module and each adapter has its own, and a module that is gone has none`() throws {
    let address = try #require(Address("D8:B6:73:BF:4F:75"))
    var problems = Problems()
    for problem in [
      Problem(.inUse, address: address, message: "In use.", advice: "Stop it."),
      Problem(.adapterAway, adapter: "hci0", message: "Off.", advice: "On."),
      Problem(.adapterAway, adapter: "hci1", message: "Off.", advice: "On."),
    ] {
      #expect(problems.raise(problem, at: Sample.start, wall: wall) == true)
    }
    #expect(problems.all.map(\.subject) == ["D8:B6:73:BF:4F:75", "hci0", "hci1"])
    problems.forget(address)
    #expect(problems.settle(.adapterAway, adapter: "hci1", at: Sample.at(1)) != nil)
    #expect(problems.all.map(\.subject) == ["hci0"])
  }

  @Test func `its JSON has every key, and reads back as the same`() throws {
    let problem = Problem(.storeFailed, message: "The disk is full.", advice: "Make room.", since: wall)
    let text = String(decoding: try Wire.line(problem), as: UTF8.self)
    #expect(
      text
        == #"{"adapter":null,"address":null,"advice":"Make room.","message":"The disk is full.","name":"store_failed","since":"2026-07-14T03:33:20.000Z"}"#
        + "\n")
    #expect(try Wire.decode(Problem.self, from: Array(text.utf8)) == problem)
  }
}
