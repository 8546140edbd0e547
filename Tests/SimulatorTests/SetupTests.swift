import Testing

@testable import Simulator

@Suite struct SetupTests {
  private func setup(_ json: String) throws -> Setup { try Setup(JSON(parsing: Array(json.utf8))) }

  private static let address = #""address":"D8:B6:73:BF:4F:75""#

  @Test func `an empty set-up is one healthy inverter`() throws { #expect(try setup("{}") == .standard) }

  @Test(arguments: [
    (#"{"adapter":[]}"#, "adapter is not a known key"),
    (#"{"adapters":[{"name":"eth0"}]}"#, "adapters[0].name: 'eth0' is not an adapter name like hci0"),
    (#"{"adapters":[{"name":"hci0"},{"name":"hci0"}]}"#, "adapters: a name is listed twice"),
    (#"{"bluez":"6"}"#, #"bluez must be "5.66" or "5.82""#),
    (#"{"modules":[{}]}"#, "modules[0].address is missing"),
    (#"{"modules":[{"address":"D8:B6"}]}"#, "modules[0].address: 'D8:B6' is not a Bluetooth address like D8:B6:73:BF:4F:75"),
    ("{\"modules\":[{\(address)},{\(address)}]}", "modules: D8:B6:73:BF:4F:75 is listed twice"),
    ("{\"modules\":[{\(address),\"colour\":1}]}", "modules[0].colour is not a known key"),
    ("{\"modules\":[{\(address),\"mtu\":20}]}", "modules[0].mtu must be a whole number from 23 to 517"),
    ("{\"modules\":[{\(address),\"known\":1}]}", "modules[0].known must be true or false"),
    ("{\"modules\":[{\(address),\"delays\":{\"conect_ms\":1}}]}", "modules[0].delays.conect_ms is not a known key"),
    ("{\"modules\":[{\(address),\"delays\":{\"advertise_ms\":0}}]}", "modules[0].delays.advertise_ms must be at least 1"),
    ("{\"modules\":[{\(address),\"devices\":[{\"unit\":32}]}]}", "modules[0].devices[0].registers is missing"),
    ("{\"modules\":[{\(address),\"delays\":{\"push_ms\":0}}]}", "modules[0].delays.push_ms must be at least 1"),
    (
      "{\"modules\":[{\(address),\"devices\":[{\"unit\":32,\"registers\":\"RIV1\"}]}]}",
      "modules[0].devices[0].registers: 'RIV1' is not one of RBC30D1S-G6, RBC50D1S-G1, RBT100LFP12-BT, "
        + "RBT12500LFP-SHBT, RBT50LFP48S-A, RBT50LFP48S-B, RBT50LFP48S-C, RIV1230RCH-SPS, RIV4835CSH1S, RNG-CTRL-RVR40, "
        + "RNG-CTRL-WND30, RNGRBP1228, RTMShunt300"
    ),
    (
      "{\"modules\":[{\(address),\"devices\":[{\"unit\":32,\"registers\":\"RIV4835CSH1S\",\"words\":{\"4002\":\"0001\"}}]}]}",
      "modules[0].devices[0].words.4002 is within a captured frame"
    ),
    (
      "{\"modules\":[{\(address),\"faults\":[{\"fault\":\"moody\"}]}]}",
      "modules[0].faults[0].fault: 'moody' is not a known fault"
    ),
    (
      "{\"modules\":[{\(address),\"faults\":[{\"fault\":\"silent\",\"ms\":3}]}]}",
      "modules[0].faults[0].ms is not a known key"
    ),
    (
      "{\"modules\":[{\(address),\"faults\":[{\"fault\":\"silent\",\"when\":\"reading\"}]}]}",
      "modules[0].faults[0].when is not a known key"
    ),
    (
      "{\"modules\":[{\(address),\"faults\":[{\"fault\":\"indication\",\"when\":\"later\"}]}]}",
      "modules[0].faults[0].when: 'later' is not \"reading\""
    ),
    (
      "{\"modules\":[{\(address),\"faults\":[{\"fault\":\"connect_error\",\"name\":\"Failed\"}]}]}",
      "modules[0].faults[0].name: 'Failed' is not a D-Bus error name"
    ),
    (#"{"forget_ms":-1}"#, "forget_ms must be a whole number from 0 to 3600000"),
    ("[]", "set-up must be an object"),
  ])
  func `a mistake is named`(json: String, sentence: String) throws {
    #expect(throws: Mistake(sentence)) { try setup(json) }
  }

  @Test func `the standard inverter is heard by the adapter that there is`() throws {
    #expect(try setup(#"{"adapters":[{"name":"hci3"}]}"#).modules.map(\.adapters) == [["hci3"]])
  }

  @Test func `words of the set-up's own can be added`() throws {
    let json =
      "{\"modules\":[{\(Self.address),\"devices\":[{\"unit\":32,\"registers\":\"RIV4835CSH1S\",\"words\":{\"4545\":\"0123\"}}]}]}"
    let registers = try #require(try setup(json).modules.first?.devices.first?.registers)
    #expect(registers.read(4545, count: 1, varied: nil) == [0x0123])
  }

  @Test(arguments: [
    (#"{"do":"dance"}"#, "'dance' is not a known command"),
    (#"{"do":"advertise","address":"D8:B6:73:BF:4F:75","of":false}"#, "command.of is not a known key"),
  ])
  func `a mistake in a command is named`(json: String, sentence: String) throws {
    #expect(throws: Mistake(sentence)) { try Command(JSON(parsing: Array(json.utf8))) }
  }

  @Test func `a command that cannot be done says why`() throws {
    var stage = try Stage()
    try stage.tell(#"{"do":"drop","address":"D8:B6:73:BF:4F:75"}"#)
    #expect(stage.noted("error").map { $0.fields["text"] } == [.string("D8:B6:73:BF:4F:75 has no link")])
    try stage.tell(#"{"do":"power","adapter":"hci7"}"#)
    #expect(stage.noted("error").last?.fields["text"] == .string("there is no adapter hci7"))
  }

  @Test func `the state says who holds what`() throws {
    var stage = try Stage(#""known":true"#)
    stage.subscribe()
    try stage.tell(#"{"do":"state"}"#)
    let state = try #require(stage.noted("state").first)
    #expect(state.fields["links"] == .strings(["D8:B6:73:BF:4F:75"]))
    #expect(state.fields["pending"] == .strings([]))
    #expect(state.fields["discovering"] == .strings([]))
    #expect(state.fields["notifying"] == .strings([Stage.client]))
  }

  @Test(arguments: [
    "unix:path=/run/dbus/system_bus_socket", "unix:path=/var/run/dbus/system_bus_socket",
    "unix:guid=00,path=/run/dbus/system_bus_socket", "unix:path=/tmp/a;unix:path=/run/dbus/system_bus_socket", "", nil,
  ])
  func `the real system bus is refused, and so is no bus`(address: String?) throws {
    #expect(throws: Mistake.self) { try PrivateBus(address) }
  }

  @Test func `a private bus is taken`() throws {
    #expect(try PrivateBus("unix:path=/tmp/blupow-x/bus").address == "unix:path=/tmp/blupow-x/bus")
  }

  @Test func `the command line`() throws {
    #expect(try Invocation.parse(["--help"]) == .help)
    #expect(try Invocation.parse(["--control", "--config", "f"]) == .run(Invocation(config: "f", control: true)))
    #expect(throws: Mistake("--config needs a file.")) { try Invocation.parse(["--config"]) }
    #expect(throws: Mistake("'--fast' is not a known option; --help lists them.")) { try Invocation.parse(["--fast"]) }
  }
}
