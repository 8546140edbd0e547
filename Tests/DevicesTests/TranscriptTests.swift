import Devices
import Readings
import Testing

@Suite struct TranscriptTests {
  private func parse(_ text: String) throws -> Transcript { try Transcript(parsing: Array(text.utf8)) }

  @Test func `what is written is read`() throws {
    let head = TranscriptHead(profile: "battery", name: "RNGRBP", model: "M", devices: [.init(unit: 48, profile: "battery")])
    let line = Transcript.Line(at: .milliseconds(132), .tx, [0xFF, 0x03, 0x0F], number: 2)
    let bytes = try Wire.line(head) + Wire.line(line)
    #expect(String(decoding: try Wire.line(line), as: UTF8.self) == #"{"dir":"tx","hex":"ff030f","t_ms":132}"# + "\n")
    let read = try Transcript(parsing: bytes)
    #expect(read.head == head)
    #expect(read.lines == [line])
  }

  @Test(arguments: [
    (#"{"t_ms":1,"dir":"tx","hex":"f"}"#, 1), (#"{"t_ms":1,"dir":"up","hex":"ff"}"#, 1), (#"{"dir":"tx","hex":"ff"}"#, 1),
    ("\n\n[]", 3), (#"{"transcript":2}"#, 1), ("{\"transcript\":1}\n{\"transcript\":1}", 2),
    (#"{"t_ms":1,"dir":"rx","hex":""# + String(repeating: "00", count: 513) + #""}"#, 1),
    (String(repeating: " ", count: 65_537), 1),
  ])
  func `a fault names its line`(text: String, line: Int) {
    #expect { try parse(text) } throws: { ($0 as? Transcript.Fault)?.line == line }
  }

  @Test func `no more than a hundred thousand lines`() {
    let text = String(repeating: "\n", count: 100_000) + #"{"t_ms":1,"dir":"rx","hex":"00"}"#
    #expect { try parse(text) } throws: { ($0 as? Transcript.Fault)?.line == 100_001 }
  }

  @Test func `half a line at the end is what a killed worker leaves`() throws {
    let read = try parse("{\"t_ms\":1,\"dir\":\"rx\",\"hex\":\"00\"}\n{\"t_ms\":2,\"di")
    #expect(read.lines.count == 1 && read.isCut)
  }

  @Test(arguments: [
    ("BT-TH-66F94E1C   ", "BT-TH-"), ("RNGRBP1234", "RNGRBP"), ("BTRIC134000035", "BTRIC"), ("Anna's battery", "?"),
  ])
  func `a head keeps of a name what tells the family`(name: String, mask: String) {
    #expect(
      TranscriptHead(of: [DeviceRequest(name: "Anna", profile: "battery")], behind: name)
        == TranscriptHead(profile: "battery", name: mask))
  }
}
