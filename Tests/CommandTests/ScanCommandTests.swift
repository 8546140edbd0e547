import Readings
import Rig
import Supervisor
import Testing

@Suite struct ScanCommandTests {
  static let two = """
    {"modules":[{"address":"D8:B6:73:BF:4F:75","name":"BTRIC134000035   ","rssi":-58,"delays":\(Scene.fast),"devices":[]},
      {"address":"AA:BB:CC:00:11:22","name":"Fridge","rssi":-80,"delays":\(Scene.fast),"devices":[]}]}
    """

  @Test(.timeLimit(.minutes(5))) func `Renogy modules with signal, profile and whether they are configured`() async throws {
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

  @Test(.timeLimit(.minutes(5))) func `a printed entry is a configuration that passes the check`() async throws {
    let scene = try await Scene.start(Self.two)
    let entry = try await scene.blupow(["scan", "--for", "1s", "--config"])
    let check = try await scene.blupow(["config", "check"], config: "devices:\n" + entry.output)
    #expect(check.exitCode == 0, "\(check.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `a hub that was asked is a configuration by which all behind it are polled`() async throws {
    let scene = try await Scene.start(
      """
      {"modules":[{"address":"\(Scene.address)","name":"BT-TH-66F94E1C    ","delays":\(Scene.fast),"devices":[
        {"unit":48,"registers":"RBT50LFP48S-A"},{"unit":50,"registers":"RBT50LFP48S-C"},
        {"unit":97,"registers":"RNG-CTRL-RVR40"}]}]}
      """)
    let entries = try await scene.blupow(["scan", "--for", "1s", "--identify", "--config"])
    #expect(entries.exitCode == 0, "\(entries.errors)")
    let config = "devices:\n" + entries.output
    #expect(try await scene.blupow(["config", "check"], config: config).exitCode == 0, "\(config)")
    let poll = try await scene.blupow(["poll"], config: config)
    #expect(poll.exitCode == 0, "\(poll.errors)")
    for part in ["RBT50LFP48S at", "RNG-CTRL-RVR40 at"] { #expect(poll.output.contains(part), "\(poll.output)") }
    #expect(poll.output.split(separator: "\n").count { $0.contains(": connected") } == 3)
    await scene.end()
  }

  /// A worker that hears two modules; of those one is held by somebody, and behind the other a hub answers.
  static let hub = #"""
    #!/bin/sh
    read -r request
    say() { echo "{\"v\":1,\"t_ms\":1,\"poll\":\"$1\",$2}"; }
    done='"event":"done","link":"none","stages_ms":{},"attempts":1,"found_standing":false'
    case "$request" in
    *'"job":"scan"'*)
      for address in D8:B6:73:BF:4F:75 D8:B6:73:BF:4F:76 D8:B6:73:BF:4F:77; do
        say scan "\"event\":\"seen\",\"address\":\"$address\",\"name\":\"BT-TH-1\",\"adapter\":\"hci0\",\"renogy\":true,\"rssi\":-5${address#*:4F:7}"
      done
      say scan "$done" ;;
    *'"job":"identify"'*4F:77*)
      say identify '"event":"found","unit":33,"profile":"inverter","confidence":"model","model":"RIV1230RCH-SPS"'
      say identify '"event":"found","unit":34,"profile":"inverter","confidence":"guess"'
      say identify "$done" ;;
    *'"job":"identify"'*4F:76*)
      say identify '"event":"failed","failure":{"class":"held","stage":"lock","whose":"us","message":"Another worker held it.","advice":"Wait."}'
      say identify "$done"
      exit 75 ;;
    *) exit 64 ;;
    esac
    """#

  @Test(.timeLimit(.minutes(5))) func `who answers behind a module is asked, and a module that is held is told in one line`()
    async throws
  {
    let scene = try await Scene.start(Self.two)
    let path = "\(scene.simulation.directory)/hub-worker"
    try scene.write(Self.hub, to: path, isProgram: true)
    // 4F:75 is configured, and not asked.
    let run = try await scene.blupow(["scan", "--identify", "--config"], config: PollCommandTests.config, worker: path)
    #expect(run.exitCode == 0)
    #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
    #expect(run.errors.hasPrefix("D8:B6:73:BF:4F:76 (BT-TH-1): Another worker held it."))
    #expect(
      run.output == """
          - name: "BT-TH-1"
            address: D8:B6:73:BF:4F:76
            profile: auto
          - name: "BT-TH-1 33"
            address: D8:B6:73:BF:4F:77
            profile: inverter
            unit: 33
          - name: "BT-TH-1 34"
            address: D8:B6:73:BF:4F:77
            profile: inverter
            unit: 34

        """)
    let json = try await scene.blupow(["scan", "--identify", "--json"], worker: path).output
    #expect(json.contains(#""model" : "RIV1230RCH-SPS""#) && json.contains(#""devices" : null"#))
    let check = try await scene.blupow(["config", "check"], config: "devices:\n" + run.output)
    #expect(check.exitCode == 0, "\(check.errors)")
    await scene.end()
  }

  @Test(.timeLimit(.minutes(5))) func `nobody there is 75, with advice; no adapter is 69`() async throws {
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
