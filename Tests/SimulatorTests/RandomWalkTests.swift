import Chance
import DBus
import Testing

@testable import Simulator

/// Calls, deaths, commands and time in any order: what must hold all the same.
@Suite struct RandomWalkTests {
  private static let setup = """
    {"adapters":[{"name":"hci0"},{"name":"hci1"}],"forget_ms":5000,"modules":[
      {"address":"D8:B6:73:BF:4F:75","adapter":["hci0","hci1"],"known":true,"devices":[{"unit":32,"registers":"RIV4835CSH1S"}]},
      {"address":"D8:B6:73:BF:4F:76","adapter":["hci0","hci1"],"devices":[{"unit":32,"registers":"RIV4835CSH1S"}]},
      {"address":"D8:B6:73:BF:4F:77","adapter":["hci0","hci1"],"known":true,"devices":[{"registers":"RTMShunt300"}]}]}
    """

  @Test(arguments: 1...40)
  func `one link a module, one answer a call, and nothing left after Disconnect`(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    var stage = Stage(try Setup(JSON(parsing: Array(Self.setup.utf8))))
    var calls: [UInt32] = []
    // A Connect whose device is removed meanwhile is never answered.
    var orphans: Set<UInt32> = []
    for _ in 0..<300 {
      let before = stage.world.devices
      if let call = step(&stage, &dice) { calls.append(call) }
      for (path, device) in before where stage.world.devices[path] == nil {
        if case .pending(_, let call, _) = device.link { orphans.insert(call.serial) }
      }
      check(stage.world)
    }
    // Clean-up as a careful client does it: everything is free, and every call has had its one answer.
    for path in stage.world.devices.keys.sorted() {
      calls.append(stage.call("Disconnect", Interface.device, on: path, by: ":1.99"))
    }
    stage.pass(.seconds(3))
    check(stage.world)
    for device in stage.world.devices.values {
      if case .none = device.link {} else { Issue.record("\(device.path) is not free") }
    }
    for call in calls { #expect(stage.answers(call).count == (orphans.contains(call) ? 0 : 1)) }
  }

  private func step(_ stage: inout Stage, _ dice: inout Dice) -> UInt32? {
    let client = ":1.\(Int.random(in: 1...3, using: &dice))"
    let adapter = "hci\(Int.random(in: 0...1, using: &dice))"
    let address = "D8:B6:73:BF:4F:7\(Int.random(in: 5...7, using: &dice))"
    let path = Device.path(address, on: adapter)
    let on = Bool.random(using: &dice)
    switch Int.random(in: 0...13, using: &dice) {
    case 0, 1: return stage.call("Connect", Interface.device, on: path, by: client)
    case 2: return stage.call("Disconnect", Interface.device, on: path, by: client)
    case 3: return stage.call("StartDiscovery", Interface.adapter, on: "/org/bluez/\(adapter)", by: client)
    case 4: return stage.call("StopDiscovery", Interface.adapter, on: "/org/bluez/\(adapter)", by: client)
    case 5:
      let notify = address.hasSuffix("7") ? "service0010/char0011" : "service0020/char0021"
      return stage.call("StartNotify", Interface.characteristic, on: "\(path)/\(notify)", by: client)
    case 6:
      let request = Hex.bytes("20030fa0000ac04a") ?? []
      return stage.call(
        "WriteValue", Interface.characteristic, on: "\(path)/service0010/char0011", [.bytes(request), .properties([:])],
        by: client)
    case 7:
      return stage.call("RemoveDevice", Interface.adapter, on: "/org/bluez/\(adapter)", [.objectPath(path)], by: client)
    case 8: stage.handle(.clientGone(client))
    case 9: try? stage.tell(#"{"do":"power","adapter":"\#(adapter)","on":\#(on)}"#)
    case 10: try? stage.tell(#"{"do":"advertise","address":"\#(address)","on":\#(on)}"#)
    case 11: try? stage.tell(#"{"do":"\#(on ? "drop" : "link")","address":"\#(address)"}"#)
    default: stage.pass(.milliseconds(Int.random(in: 0...3000, using: &dice)))
    }
    return nil
  }

  private func check(_ world: World) {
    for (address, module) in world.modules {
      let holders = world.devices.values.filter { $0.address == address && $0.isConnected }.map(\.path)
      #expect(holders == (module.linkedTo.map { [$0] } ?? []))
    }
    for module in world.modules.values {
      let device = module.linkedTo.flatMap { world.devices[$0] }
      let isHeard = device?.resolved == true && device?.notifying.isEmpty == false
      #expect((module.pushing != nil) == (isHeard && module.setup.shunt != nil), "a shunt pushes while somebody listens")
    }
    for device in world.devices.values {
      let powered = world.adapter(device.adapter)?.powered
      let isIdle = if case .none = device.link { true } else { false }
      #expect(powered == true || powered == false && !device.temporary && isIdle, "\(device.path) without power")
      #expect(!device.resolved || device.isConnected)
      #expect(!device.resolved || device.table != nil)
    }
    for adapter in world.adapters where !adapter.powered { #expect(adapter.discovering.isEmpty) }
    #expect(world.pendingTables.count <= world.devices.values.filter(\.isConnected).count)
  }
}
