import DBus
import Testing

@testable import Simulator

/// An adapter's power, as `Adapter1.Powered` switches it.
@Suite struct PowerTests {
  private func stage(_ adapter: String, known: Bool = true) throws -> Stage {
    try Stage("\"known\":\(known)", top: #""adapters":[{"name":"hci0"\#(adapter)}],"#)
  }

  private static func body(_ on: Bool) -> [Value] { [.string(Interface.adapter), .string("Powered"), .variant(.bool(on))] }

  private func power(_ stage: inout Stage, _ on: Bool) -> UInt32 {
    stage.call("Set", Interface.properties, on: Stage.adapter, Self.body(on))
  }

  private static let busy = Stage.Answer.error(Refusal("org.bluez.Error.Busy", ""))

  @Test func `a controller that takes its time is switched when it has, and answers then`() throws {
    var stage = try stage(#","power_ms":300"#)
    let call = power(&stage, false)
    stage.pass(.milliseconds(299))
    #expect(stage.answer(call) == nil)
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(true))
    stage.pass(.milliseconds(1))
    #expect(stage.answers(call) == [.ok([])])
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(false))
  }

  @Test func `asked meanwhile it refuses, whichever way, and does what it was asked first`() throws {
    var stage = try stage(#","power_ms":300"#)
    let first = power(&stage, false)
    for on in [true, false] {
      let again = power(&stage, on)
      #expect(stage.answer(again) == Self.busy)
    }
    stage.pass(.seconds(1))
    #expect(stage.answer(first) == .ok([]))
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(false))
    let back = power(&stage, true)
    stage.pass(.milliseconds(300))
    #expect(stage.answer(back) == .ok([]))
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(true))
  }

  @Test func `what it is already needs no time`() throws {
    var stage = try stage(#","power_ms":300"#)
    let call = power(&stage, true)
    #expect(stage.answer(call) == .ok([]))
  }

  @Test func `one that rfkill blocks can be switched off, and not on`() throws {
    var stage = try stage(#","blocked":true"#)
    let off = power(&stage, false)
    #expect(stage.answer(off) == .ok([]))
    let on = power(&stage, true)
    #expect(stage.answer(on) == .error(Refusal("org.bluez.Error.Blocked", "Blocked through rfkill")))
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(false))
  }

  @Test func `one that is pulled while it is switched never answers`() throws {
    var stage = try stage(#","power_ms":300"#)
    let call = power(&stage, false)
    try stage.tell(#"{"do":"remove_adapter","adapter":"hci0"}"#)
    try stage.tell(#"{"do":"add_adapter","adapter":"hci0"}"#)
    stage.pass(.seconds(1))
    #expect(stage.answer(call) == nil)
    #expect(stage.property("Powered", of: Stage.adapter) == .bool(true))
  }
}
