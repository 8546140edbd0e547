import DBus
import Testing

@testable import Simulator

/// Three batteries behind one module.
@Suite struct HubTests {
  private func stage(_ faults: String = "") throws -> Stage {
    let json = """
      {"modules":[{"address":"\(Stage.inverter)","name":"BT-TH-66F94E1C    ","known":true,"mtu":251,"faults":[\(faults)],"devices":[
        {"unit":48,"registers":"RBT50LFP48S-A"},{"unit":49,"registers":"RBT50LFP48S-B"},{"unit":50,"registers":"RBT50LFP48S-C"}]}]}
      """
    var stage = Stage(try Setup(JSON(parsing: Array(json.utf8))))
    stage.subscribe()
    return stage
  }

  private func ask(_ stage: inout Stage, _ unit: String) -> String? {
    let before = stage.notifications.count
    _ = stage.request(RequestTests.sealed("\(unit)0313b20006"))
    stage.pass(.seconds(1))
    return stage.notifications.dropFirst(before).first
  }

  private static let first = "30030c0000020c0000c2b20000c350ee9a"
  private static let second = "31030c0000020c0000c2ad0000c34bfa53"

  @Test func `each unit answers for itself, another with nothing`() throws {
    var stage = try stage()
    #expect(ask(&stage, "30") == Self.first)
    #expect(ask(&stage, "31") == Self.second)
    #expect(ask(&stage, "32")?.hasPrefix("32030cfeba01f8") == true)
    #expect(ask(&stage, "33") == nil)
    #expect(ask(&stage, "ff") == nil)
  }

  @Test func `one unit may fall silent, and come back`() throws {
    var stage = try stage()
    #expect(ask(&stage, "31") == Self.second)
    try stage.tell(#"{"do":"faults","address":"\#(Stage.inverter)","faults":[{"fault":"silent","unit":49}]}"#)
    for _ in 1...3 {
      #expect(ask(&stage, "30") == Self.first)
      #expect(ask(&stage, "31") == nil)
      #expect(ask(&stage, "32") != nil)
    }
    #expect(stage.noted("silence").count == 3)
    try stage.tell(#"{"do":"faults","address":"\#(Stage.inverter)","faults":[]}"#)
    #expect(ask(&stage, "31") == Self.second)
  }

  @Test func `a unit's fault counts that unit's requests only`() throws {
    var stage = try stage(#"{"fault":"silent","unit":49,"from_request":2,"times":1}"#)
    #expect(ask(&stage, "30") != nil && ask(&stage, "31") != nil)
    #expect(ask(&stage, "30") != nil && ask(&stage, "31") == nil)
    #expect(ask(&stage, "32") != nil && ask(&stage, "31") != nil)
  }
}
