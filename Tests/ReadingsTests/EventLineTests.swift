import Readings
import Testing

struct EventLineTests {
  private func read(_ text: String) throws -> EventLine { try Wire.decode(EventLine.self, from: Array(text.utf8)) }

  @Test func `an event word of the same version that is not known has an error of its own, to be passed over`() throws {
    let error = try #require(throws: EventLine.UnknownEvent.self) {
      try read(#"{"v":1,"poll":"x","t_ms":4,"event":"weather","sky":"blue"}"#)
    }
    #expect(error.word == "weather")
  }

  @Test func `another version is told apart before anything else is looked at`() throws {
    #expect(try #require(throws: EventLine.OtherVersion.self) { try read(#"{"v":2}"#) }.version == 2)
  }

  @Test func `fields that this version does not know are ignored, at every depth`() throws {
    let line = try read(
      #"{"v":1,"poll":"x","t_ms":4,"event":"failed","mood":1,"#
        + #""failure":{"class":"silent","stage":"read","message":"m","code":7}}"#)
    #expect(
      line
        == EventLine(
          poll: "x", time: .milliseconds(4), event: .failed(device: nil, FailureReport(.silent, at: .read, "m"))))
  }

  @Test func `whose and advice are for people: a reader computes them`() throws {
    let line = try read(
      #"{"v":1,"poll":"x","t_ms":4,"event":"failed","#
        + #""failure":{"class":"silent","stage":"read","message":"m","whose":"nobody","advice":7}}"#)
    #expect(line.event == .failed(device: nil, FailureReport(.silent, at: .read, "m")))
  }

  @Test func `a stage in the times of done that is not known is passed over`() throws {
    let line = try read(
      #"{"v":1,"poll":"x","t_ms":4,"event":"done","link":"none","stages_ms":{"bus":11,"nap":600}}"#)
    #expect(line.event == .done(Done(link: .none, stages: [.bus: 11])))
  }

  @Test func `the shortest readings and done have empty lists`() throws {
    #expect(
      try read(#"{"v":1,"poll":"x","t_ms":4,"event":"readings","device":"A","profile":"battery","unit":48,"readings":{}}"#)
        .event
        == .readings(
          DeviceReadings(
            device: "A", profile: "battery", unit: 48, model: nil, readings: [:], implausible: [], rawSign: [])))
    #expect(try read(#"{"v":1,"poll":"x","t_ms":4,"event":"done","link":"none"}"#).event == .done(Done(link: .none)))
  }

  @Test func `a message is cut at 500 characters`() {
    #expect(FailureReport(.silent, at: .read, String(repeating: "é", count: 501)).message.count == 500)
  }

  @Test func `a line is one line, whatever its strings hold`() throws {
    let event = EventLine(
      poll: "x", time: .zero, event: .failed(device: "A\nB\u{2028}C", FailureReport(.silent, at: .read, "\r\n\u{0}\u{85}")))
    let line = try Wire.line(event)
    #expect(line.count { $0 == 0x0A } == 1)
    #expect(line.last == 0x0A)
    #expect(try Wire.decode(EventLine.self, from: line) == event)
  }
}
