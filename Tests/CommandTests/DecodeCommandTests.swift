import Foundation
import Readings
import Rig
import Supervisor
import Testing

/// `blupow decode`, as a person calls it.
@Suite struct DecodeCommandTests {
  private struct Frame: Decodable {
    var id: String
    var device_type: String
    var model: String?
    var request_hex: String?
    var response_hex: String?
    var crc_ok: Bool?
    var byte_count_matches_request: Bool?
    var expected: [String: Value]
    struct Value: Decodable { init(from decoder: any Decoder) {} }
  }

  private static let frames: [Frame] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Frames/renogy-frames.json")
    return (try? JSONDecoder().decode([Frame].self, from: Data(contentsOf: file))) ?? []
  }()

  /// Runs it on that text, in a file of its own.
  private func decode(_ text: String, _ arguments: [String], in scene: Scene) async throws -> CommandRun {
    let path = "\(scene.simulation.directory)/\(UUID().uuidString).jsonl"
    try Data(text.utf8).write(to: URL(filePath: path))
    return try await scene.blupow(["decode"] + arguments + [path])
  }

  private func document(_ run: CommandRun) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any], "\(run.errors)")
  }

  private static func lines(_ frame: Frame) -> String {
    let rx = frame.response_hex.map { #"{"t_ms":120,"dir":"rx","hex":"\#($0)"}"# + "\n" } ?? ""
    return #"{"t_ms":0,"dir":"tx","hex":"\#(frame.request_hex ?? "")"}"# + "\n" + rx
  }

  @Test(.timeLimit(.minutes(10))) func `every whole reply of the file of frames is read, every other refused`() async throws {
    let scene = try await Scene.start("{}")
    let profiles = ["battery_hub": "battery", "battery_pro": "battery", "battery_rngpro": "battery"]
    var counts = (read: 0, refused: 0)
    for frame in Self.frames {
      guard let request = frame.request_hex, frame.response_hex != nil, request.dropFirst(2).hasPrefix("03") else { continue }
      let profile = profiles[frame.device_type] ?? frame.device_type
      let name = frame.model?.firstMatch(of: /adv ([A-Za-z0-9-]+)/).map { String($0.output.1) } ?? "BT-TH-66F94E1C"
      let run = try await decode(Self.lines(frame), ["--profile", profile, "--name", name, "--json"], in: scene)
      let answer = try document(run)
      let refused = try #require(answer["refused"] as? [[String: Any]])
      if frame.crc_ok == true, frame.byte_count_matches_request != false, frame.expected["must_reject"] == nil {
        #expect(run.exitCode == 0 && refused.isEmpty, "\(frame.id): \(run.output)")
        counts.read += 1
      } else {
        #expect(
          run.exitCode == 65 && refused.count == 1 && (answer["devices"] as? [Any])?.isEmpty == true, "\(frame.id): \(run.output)"
        )
        counts.refused += 1
      }
    }
    #expect(counts.read > 50 && counts.refused == 7, "\(counts)")
    await scene.end()
  }

  private static let hub = """
    {"transcript":1,"profile":"battery","name":"BT-TH-"}
    {"t_ms":0,"dir":"tx","hex":"300313b20006654a"}
    {"t_ms":157,"dir":"rx","hex":"30030c0000020c0000c2"}
    {"t_ms":158,"dir":"rx","hex":"b20000c350ee9a"}
    {"t_ms":200,"dir":"tx","hex":"310313b20006649b"}
    {"t_ms":357,"dir":"rx","hex":"31030c0000020c0000c2ad0000c34bfa53"}
    {"t_ms":400,"dir":"tx","hex":"310314020008e5cc"}
    {"t_ms":900,"dir":"tx","hex":"ff030000000191d4"}
    {"t_ms":990,"dir":"rx","hex":"308302913e"}

    """

  @Test(.timeLimit(.minutes(5))) func `a hub's transcript is two devices, an exception, and a silence`() async throws {
    let scene = try await Scene.start("{}")
    let run = try await decode(Self.hub, ["--json"], in: scene)
    let answer = try document(run)
    let devices = try #require(answer["devices"] as? [[String: Any]])
    #expect(devices.map { $0["unit"] as? Int } == [48, 49] && devices.allSatisfy { $0["profile"] as? String == "battery" })
    let readings = try #require(devices.first?["readings"] as? [String: [String: Any]])
    #expect(readings["battery_voltage"]?["value"] as? Double == 52.4 && readings["battery_voltage"]?["unit"] as? String == "V")
    #expect((answer["exceptions"] as? [[String: Any]])?.first?["code"] as? Int == 2)
    #expect((answer["unanswered"] as? [[String: Any]])?.first?["line"] as? Int == 7)
    let table = try await decode(Self.hub, [], in: scene)
    #expect(table.output.contains("unit 48: battery\n") && table.output.contains(/Battery SOC +99\.7 %  \(computed\)/))
    #expect(table.errors.contains("line 7: no answer of unit 49 to registers 5122/8"))
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("", ["--profile", "inverter"], 65, "no valid reply is in it"),
      ("", [], 64, "does not say what answers in it: give --profile"),
      (#"{"t_ms":0,"dir":"up","hex":"ff"}"# + "\n", ["--profile", "inverter"], 65, ":1: it is no line of a transcript"),
      (#"{"t_ms":0,"dir":"rx","hex":"ff03"}"# + "\n", ["--profile", "inverter"], 65, "no valid reply is in it"),
      (
        "{}\n", ["--profile", "toaster"], 64,
        "There is no profile 'toaster'; there are: inverter, controller, dcdc, battery, shunt300, auto."
      ),
      (
        #"{"t_ms":0,"dir":"tx","hex":"300313b20006654a"}"# + "\n"
          + #"{"t_ms":1,"dir":"rx","hex":"30030c0000020c0000c2b20000c350ee9a"}"# + "\n", ["--profile", "battery"], 64,
        "Give --name"
      ),
      (#"{"transcript":2}"# + "\n", [], 65, ":1: it is no line of a transcript: transcript: version 2 is not 1"),
    ])
  func `what cannot be read is said, with its place`(text: String, arguments: [String], code: Int32, words: String) async throws {
    let scene = try await Scene.start("{}")
    let run = try await decode(text, arguments, in: scene)
    #expect(run.exitCode == code && run.errors.contains(words), "\(run.errors)")
    await scene.end()
  }

  // MARK: - From the worker's hand to this command

  @Test(.timeLimit(.minutes(5)), arguments: ["kernel", "bluez"])
  func `what a worker records says what it read, and not whose it is`(link: String) async throws {
    let scene = try await Scene.one(#""name":"RNGRBP1228000830","devices":[{"unit":48,"registers":"RNGRBP1228"}]"#)
    let path = "\(scene.simulation.directory)/poll.jsonl"
    let run = try await scene.worker(
      ["poll", "--address", Scene.address, "--profile", "battery", "--link", link, "--transcript", path],
      sockets: link == "kernel")
    #expect(run.exitCode == 0, "\(run.raw)")
    let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    #expect(text.hasPrefix(#"{"name":"RNGRBP","profile":"battery","transcript":1}"# + "\n"))
    #expect(!text.contains("1228000830") && !text.uppercased().contains("D8:B6") && !text.uppercased().contains("D8B673"))
    let decoded = try await scene.blupow(["decode", "--json", path])
    let devices = try #require(try document(decoded)["devices"] as? [[String: Any]])
    let readings = try #require(devices.first?["readings"] as? [String: Any])
    #expect(Set(readings.keys) == Set(try #require(run.readings).readings.keys))
    let again = try await scene.worker(
      ["poll", "--address", Scene.address, "--profile", "battery", "--link", link, "--transcript", path],
      sockets: link == "kernel")
    #expect(again.exitCode == 64 && again.failure?.message.contains("nothing is written over") == true, "\(again.raw)")
    await scene.end()
  }
}
