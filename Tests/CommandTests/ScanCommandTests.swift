import Readings
import Rig
import Supervisor
import Testing

@Suite struct ScanCommandTests {
  static let two = """
    {"modules":[{"address":"D8:B6:73:BF:4F:75","name":"BTRIC134000035   ","rssi":-58,"delays":\(Scene.fast),"devices":[]},
      {"address":"AA:BB:CC:00:11:22","name":"Fridge","rssi":-80,"delays":\(Scene.fast),"devices":[]}]}
    """

  @Test(.timeLimit(.minutes(1))) func `Renogy modules with signal, profile and whether they are configured`() async throws {
    let scene = try await Scene.start(Self.two)
    let run = try await scene.blupow(["scan", "--for", "1s", "--json"], config: PollCommandTests.config)
    #expect(run.exitCode == 0, "\(run.errors)")
    for part in [#""address" : "D8:B6:73:BF:4F:75""#, #""configured" : true"#, #""profile" : "inverter""#, #""rssi" : -58"#] {
      #expect(run.output.contains(part), "\(part) in \(run.output)")
    }
    #expect(!run.output.contains("Fridge"))
    #expect(try await scene.blupow(["scan", "--for", "1s", "--all"]).output.contains("Fridge"))
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `a printed entry is a configuration that passes the check`() async throws {
    let scene = try await Scene.start(Self.two)
    let entry = try await scene.blupow(["scan", "--for", "1s", "--config"])
    let check = try await scene.blupow(["config", "check"], config: "devices:\n" + entry.output)
    #expect(check.exitCode == 0, "\(check.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(1))) func `nobody there is 75, with advice; no adapter is 69`() async throws {
    let scene = try await Scene.start(#"{"modules":[]}"#)
    let run = try await scene.blupow(["scan", "--for", "1s"])
    #expect(run.exitCode == 75)
    #expect(run.errors.contains("No Renogy module was heard, nor anybody else."))
    await scene.end()
    let off = try await Scene.start(#"{"adapters":[{"name":"hci0","powered":false}],"modules":[]}"#)
    let refused = try await off.blupow(["scan", "--for", "1s"])
    #expect(refused.exitCode == 69)
    #expect(refused.errors.contains("bluetoothctl power on"))
    await off.end()
  }
}
