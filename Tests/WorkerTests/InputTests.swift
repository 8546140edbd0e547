import Readings
import Rig
import Supervisor
import Testing

/// The worker's standard input and flags, wrong in every way.
@Suite struct InputTests {
  static let good =
    #"{"v":1,"job":"poll","poll":"p1","deadline_s":10,"module":{"address":"D8:B6:73:BF:4F:75"},"devices":[{"name":"Inverter","profile":"inverter"}]}"#

  static let wrong: [(name: String, input: [UInt8], failure: Failure)] = [
    ("garbage", Array("\u{1}\u{2}hello\n".utf8), .badRequest),
    ("bytes that are no UTF-8", [0xFF, 0xFE, 0x0A], .badRequest),
    ("nothing", [], .badRequest),
    ("an empty line", [0x0A], .badRequest),
    ("half a line", Array(good.utf8.prefix(60)), .badRequest),
    ("a list", Array("[]\n".utf8), .badRequest),
    ("10 MB in one line", [UInt8](repeating: 0x61, count: 10_000_000) + [0x0A], .requestTooLong),
    ("an unknown version", Array(good.replacing("\"v\":1", with: "\"v\":2").utf8) + [0x0A], .versionUnknown),
    ("an unknown job", Array(good.replacing("\"poll\",\"poll\"", with: "\"dance\",\"poll\"").utf8) + [0x0A], .jobUnknown),
    ("an unknown profile", Array(good.replacing("\"inverter\"", with: "\"toaster\"").utf8) + [0x0A], .profileUnknown),
  ]

  @Test(.timeLimit(.minutes(5)), arguments: wrong.indices)
  func `a wrong request is refused by name, with exit code 64, in bounded memory`(index: Int) async throws {
    let (name, input, failure) = Self.wrong[index]
    let scene = try await Scene.start("{}")
    let run = try await scene.worker(input: input)
    #expect(run.failure?.failure == failure, "\(name): \(run.raw)")
    #expect(run.exitCode == 64)
    #expect(run.ending.lasted < .seconds(10))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a request line gives an answer that carries its poll id`() async throws {
    let scene = try await Scene.one()
    let run = try await scene.worker(input: Array((Self.good + "\n").utf8))
    #expect(run.exitCode == 0)
    #expect(run.readings?.device == "Inverter")
    #expect(Set(run.events.map(\.poll)) == ["p1"])
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a hub: each device has its own line, and a silent one takes nothing from the others`()
    async throws
  {
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"D8:B6:73:BF:4F:75","name":"BT-TH-66E5CDEB    ","delays":\(Scene.fast),
       "devices":[{"unit":32,"registers":"RIV4835CSH1S"},{"unit":33,"registers":"RIV4835CSH1S"}],
       "faults":[{"fault":"silent","unit":32}]}]}
      """)
    let request = Self.good.replacing(
      #"[{"name":"Inverter","profile":"inverter"}]"#,
      with:
        #"[{"name":"First","profile":"inverter","unit":32},{"name":"Second","profile":"inverter","unit":33}]"#
    ).replacing("\"deadline_s\":10", with: "\"deadline_s\":15")
    let run = try await scene.worker(input: Array((request + "\n").utf8))
    #expect(run.failure?.failure == .silent)
    #expect(run.readings?.device == "Second")
    #expect(run.readings?.readings.count == Scene.inverterReadings)
    #expect(run.exitCode == 75)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a worker whose parent is another one by now does nothing`() async throws {
    let scene = try await Scene.one()
    let request = Self.good.replacing("\"v\":1", with: "\"v\":1,\"parent\":1")
    let run = try await scene.worker(input: Array((request + "\n").utf8))
    #expect(run.raw == [])
    #expect(!scene.journal.lines.contains { $0.contains("connect_asked") })
    await scene.end()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ["poll"], ["poll", "--address", "D8:B6:73"], ["poll", "--address", Scene.address],
      ["poll", "--address", Scene.address, "--profile", "inverter", "--unit", "256"],
      ["poll", "--address", Scene.address, "--profile", "inverter", "--deadline", "3s"],
      ["poll", "--address", Scene.address, "--profile", "inverter", "--deadline", "soon"],
      ["poll", "--address", Scene.address, "--profile", "toaster"], ["poll", "--colour", "blue"], ["dance"], ["release"],
      ["scan", "--for", "0s"], ["poll", "--address"], ["reset-adapter", "--deadline", "9s"],
      ["reset-adapter", "--adapter", "hci 0"], ["release", "--address", Scene.address, "--yield"],
      ["poll", "--address", Scene.address, "--profile", "inverter", "--forget=yes"],
    ])
  func `wrong flags are refused with a sentence and exit code 64`(arguments: [String]) async throws {
    let scene = try await Scene.start("{}")
    let run = try await scene.worker(arguments)
    #expect(run.exitCode == 64)
    #expect(run.failure != nil)
    #expect(run.log.isEmpty == false)
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `help and version are given`() async throws {
    let scene = try await Scene.start("{}")
    let help = try await scene.worker(["--help"])
    #expect(help.exitCode == 0)
    #expect(help.raw.contains { $0.contains("--retry-delay") })
    #expect(try await scene.worker(["--version"]).raw == ["blupow-worker \(Wire.release) (protocol 1)"])
    await scene.end()
  }
}
