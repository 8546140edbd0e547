import Devices
import Readings
import Testing

@Suite struct TranscriptReportTests {
  private func report(
    _ frames: [(Transcript.Direction, String)], _ profile: String? = "battery", name: String? = "RNGRBP"
  ) -> TranscriptReport {
    let lines = frames.enumerated().map { index, frame in
      Transcript.Line(at: .milliseconds(index * 100), frame.0, bytes(frame.1), number: index + 1)
    }
    return TranscriptReport(Transcript(head: nil, lines: lines), .init(profile: profile, name: name))
  }

  private let ask = "300313b20006654a"
  private let answer = "30030c0000020c0000c2b20000c350ee9a"

  @Test func `a reply in pieces is one`() throws {
    let report = report([(.tx, ask), (.rx, String(answer.prefix(10))), (.rx, String(answer.dropFirst(10)))])
    #expect(report.good == 1 && report.refused == [])
    #expect(report.devices.first?.unit == 48)
    #expect(report.devices.first?.decoding.readings["battery_voltage"] == Reading(.number(52.4), unit: "V"))
  }

  @Test(arguments: [
    ("30030c0000020c0000c2b20000c350ee9b", "checksum"), ("30030c0000020c", "truncated"),
    ("31030c0000020c0000c2ad0000c34bfa53", "unit"),
  ])
  func `bytes that are no reply are refused by name`(hex: String, fault: String) {
    let report = report([(.tx, ask), (.rx, hex)])
    #expect(report.refused.map(\.fault) == [fault])
    #expect(report.refused.first?.line == 2)
    #expect(report.good == 0 && report.devices == [])
  }

  @Test func `what was not asked is refused, and what is not answered is said`() {
    let early = report([(.rx, answer), (.tx, ask)])
    #expect(early.refused.map(\.fault) == ["unasked"])
    #expect(early.unanswered.map(\.register) == [5042])
    #expect(report([(.tx, ask), (.rx, answer), (.rx, answer)]).refused.map(\.line) == [3])
  }

  @Test func `an exception is a valid reply`() {
    let report = report([(.tx, "ff030000000191d4"), (.rx, "308302913e")])
    let exception = report.exceptions.first
    #expect(report.exceptions.count == 1 && exception?.line == 2 && exception?.unit == 48 && exception?.code == 2)
    #expect(exception?.register == 0 && exception?.words == 1)
    #expect(report.good == 1)
  }

  @Test func `a write and its echo are passed over, and a text between pieces too`() {
    let write = "ff06010a00017c2a"
    let report = report([
      (.tx, write), (.rx, write), (.tx, ask), (.rx, String(answer.prefix(10))), (.tx, "6d61696e"),
      (.rx, String(answer.dropFirst(10))),
    ])
    #expect(report.good == 1 && report.refused == [])
    #expect(report.notices.count == 2)
  }

  @Test func `a request with a wrong checksum is used all the same`() {
    let report = report([(.tx, "300313b20006654b"), (.rx, answer)])
    #expect(report.good == 1)
    #expect(report.notices.first?.contains("checksum") == true)
  }

  @Test(
    arguments: [("BT-TH-", nil, "battery", Confidence.guess), ("RNGRBP", nil, "battery", .name)]
      as [(String, String?, String, Confidence)])
  func `what answers is told by the name, else by the registers`(name: String, profile: String?, told: String, by: Confidence) {
    let device = report([(.tx, ask), (.rx, answer)], "auto", name: name).devices.first
    #expect(device?.profile == told)
    #expect(device?.confidence == by)
  }
}
