import Devices
import Foundation
import Glibc
import Policy
import Readings
import Rig
import Supervisor
import Testing

/// What was recorded is decoded, and said again to a real worker: both must read the same. A file in Tests/Transcripts is a test.
@Suite struct TranscriptTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Transcripts").standardized

  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".jsonl") }.map { String($0.dropLast(6)) }.sorted()
  }()

  private struct Decoded: Decodable, Equatable {
    struct Device: Decodable, Equatable {
      var unit: UInt8
      var profile: String?
      var confidence: String?
      var model: String?
      var readings: [String: Reading]
      var implausible: [String]
      var raw_sign: [String]
      var derived: [String]
      var days: [DayReadings]
    }
    var devices: [Device]
    var refused: [TranscriptReport.Refused]
    var exceptions: [TranscriptReport.Exception]
    var unanswered: [TranscriptReport.Unanswered]
    var frames: [String: Int]
  }

  private static func path(_ name: String) -> String { folder.appending(path: "\(name).jsonl").path }

  private func decoded(_ run: CommandRun) throws -> Decoded {
    try JSONDecoder().decode(Decoded.self, from: Data(run.output.utf8))
  }

  @Test func `there are transcripts`() { #expect(Self.names.count >= 5) }

  @Test(.timeLimit(.minutes(5)), arguments: names) func `a transcript is decoded as expected`(name: String) async throws {
    let scene = try await Scene.start(#"{"modules":[]}"#)
    let run = try await scene.blupow(["decode", "--json", Self.path(name)])
    #expect(run.exitCode == 0, "\(run.errors)")
    let expected = Self.folder.appending(path: "\(name).expected.json")
    if FileManager.default.fileExists(atPath: expected.path) {
      #expect(try decoded(run) == JSONDecoder().decode(Decoded.self, from: Data(contentsOf: expected)))
    }
    await scene.end()
  }

  /// As often as the file has answers to one request: then each is at its last, which is what is decoded. Blocks that are not in the
  /// file are not asked for.
  @Test(.timeLimit(.minutes(5)), arguments: names) func `a transcript that is replayed is read as it is decoded`(
    name: String
  ) async throws {
    let transcript = try Transcript(parsing: Data(contentsOf: Self.folder.appending(path: "\(name).jsonl")))
    let report = TranscriptReport(transcript, TranscriptReport.Given())
    let exchanges = transcript.conversation.exchanges
    let times = Dictionary(grouping: exchanges, by: \.sent.bytes).values.map(\.count).max() ?? 1
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"\(Scene.address)","transcript":"\(Self.path(name))","delays":\(Scene.fast)}]}
      """)
    for device in report.devices {
      guard let profile = device.profile.flatMap(Profile.named) else { continue }
      let asked = Set(
        exchanges.compactMap { exchange -> String? in
          guard case .read(let request, _) = exchange.request, request.unit == device.unit else { return nil }
          return "\(request.register)/\(request.words)"
        })
      let isPushed = profile.gatt != .serialLine
      guard isPushed || profile.blocks.allSatisfy({ $0.need == .optional || asked.contains($0.name) }) else { continue }
      let job = PollJob(
        module: Module(address: try #require(Address(scene.address)), name: transcript.head?.name),
        devices: [
          DeviceRequest(
            name: "Device", profile: profile.name, unit: isPushed ? nil : device.unit, model: transcript.head?.model,
            skip: profile.blocks.map(\.name).filter { !asked.contains($0) })
        ])
      var last: DeviceReadings?
      for _ in 0..<times {
        let run = try await scene.worker(input: try Wire.line(Request(poll: "p-1", deadline: .seconds(20), job: .poll(job))))
        #expect(run.exitCode == 0, "\(run.raw)")
        last = run.readings
      }
      let readings = try #require(last)
      #expect(readings.readings == device.decoding.readings)
      #expect(readings.model == device.decoding.model)
    }
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [LinkKind.bluez, .kernel])
  func `what a worker writes down is decoded to what it read, and replayed to the same`(link: LinkKind) async throws {
    let scene = try await Scene.one()
    let file = "\(scene.world.directory)/poll-\(link.rawValue).jsonl"
    let run = try await scene.poll(["--transcript", file], link: link)
    let readings = try #require(run.readings, "\(run.log)")
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(!text.contains("134000035") && !text.contains("D8:B6"))

    let decode = try await scene.blupow(["decode", "--json", file])
    #expect(decode.exitCode == 0, "\(decode.errors)")
    let decoded = try decoded(decode)
    #expect(decoded.devices.first?.readings == readings.readings)
    #expect(decoded.devices.first?.model == readings.model)
    #expect(decoded.refused == [])

    let replayed = try await Scene.start(
      #"{"modules":[{"address":"\#(Scene.address)","transcript":"\#(file)","delays":\#(Scene.fast)}]}"#)
    #expect(try await replayed.poll(link: link).readings?.readings == readings.readings)
    await replayed.end()
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5)), arguments: [true, false])
  func `with diagnostics a service keeps what went by, and logs it; a poll does not depend on that`(canWrite: Bool) async throws {
    let scene = try await Scene.one()
    let state = "\(scene.simulation.directory)/state"
    // Where the module's directory should be stands a file.
    if !canWrite {
      for path in [state, "\(state)/transcripts"] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      }
      try scene.write("mine", to: "\(state)/transcripts/D8-B6-73-BF-4F-75")
    }
    let service = try await scene.start(
      ["run"], config: "diagnostics: true\n" + StatusCommandTests.config, more: ["BLUPOW_STATE_DIR": state])
    let log = ServiceLog(of: service) { _ in false }
    try await scene.untilStatus { $0.contains(/"poll_ms" : \d/) }
    let readings = try Wire.decode(
      FleetStatus.self, from: Array(try await scene.blupow(["status", "--json"]).output.utf8)
    ).devices.first?.readings
    kill(service.pid, SIGTERM)
    let run = await log.whole
    #expect(run.exitCode == 0)
    #expect(readings?.count == Scene.inverterReadings)
    let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(state)/transcripts/D8-B6-73-BF-4F-75")) ?? []
    if canWrite {
      let decode = try await scene.blupow([
        "decode", "--json", "\(state)/transcripts/D8-B6-73-BF-4F-75/\(try #require(files.first))",
      ])
      #expect(decode.exitCode == 0 && files.count == 1)
      #expect(try decoded(decode).devices.first?.readings == readings)
      #expect(run.errors.contains("debug: "))
    } else {
      #expect(files == [])
    }
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a file that is there is not written over, and nothing is on the radio`() async throws {
    let scene = try await Scene.one()
    let file = "\(scene.world.directory)/there.jsonl"
    try scene.write("mine", to: file)
    let run = try await scene.poll(["--transcript", file])
    #expect(run.exitCode == 64)
    #expect(run.failure?.message.contains("is there already") == true)
    #expect(run.stages == [])
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("", [String](), Int32(65)),
      ("", ["--profile", "inverter"], 65),
      (#"{"t_ms":0,"dir":"tx","hex":"300313b20006654a"}"#, [], 64),
      (#"{"t_ms":0,"dir":"tx","hex":"300313b20006654a"}"#, ["--profile", "battery"], 64),
      (#"{"t_ms":0,"dir":"tx","hex":"300313b20006654a"}"#, ["--profile", "battery", "--name", "RNGRBP"], 65),
      (#"{"t_ms":0,"dir":"tx","hex":"300313b20006654a"}"#, ["--profile", "kettle"], 64),
      ("no transcript", ["--profile", "inverter"], 65),
    ])
  func `what cannot be decoded is refused, with a sentence`(text: String, arguments: [String], code: Int32) async throws {
    let scene = try await Scene.start(#"{"modules":[]}"#)
    let file = "\(scene.world.directory)/file.jsonl"
    try scene.write(text, to: file)
    let run = try await scene.blupow(["decode", "--json"] + arguments + [file])
    // An empty file says nothing of itself either: then it is the argument that is missing.
    #expect(run.exitCode == (text.isEmpty && arguments.isEmpty ? 64 : code), "\(run.errors)")
    #expect(!run.errors.isEmpty)
    await scene.end()
  }
}
