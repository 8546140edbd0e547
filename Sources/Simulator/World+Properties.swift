import DBus

extension World {
  mutating func answerProperties(_ call: Message, of object: Object) {
    guard let own = interface(of: object), let asked = call.body.first?.asString else {
      return refuse(call, unknown(call, "UnknownMethod"))
    }
    let standard = [Interface.properties, Interface.introspectable]
    guard asked == own.name || standard.contains(asked) else {
      return refuse(call, Refusal("org.freedesktop.DBus.Error.InvalidArgs", "No such interface '\(asked)'"))
    }
    let properties = asked == own.name ? own.properties : [:]
    let name = call.body.count > 1 ? call.body[1].asString ?? "" : ""
    switch (call.member, call.body.count) {
    case ("GetAll", 1): reply(call, [.properties(properties)])
    case ("Get", 2):
      if let value = properties[name] { reply(call, [.variant(value)]) } else { refuse(call, noSuchProperty(name)) }
    case ("Set", 3):
      guard properties[name] != nil else { return refuse(call, noSuchProperty(name)) }
      setProperty(name, of: object, to: call.body[2], call)
    default: refuse(call, unknown(call, "UnknownMethod"))
    }
  }

  private func noSuchProperty(_ name: String) -> Refusal {
    Refusal("org.freedesktop.DBus.Error.InvalidArgs", "No such property '\(name)'")
  }

  private mutating func setProperty(_ name: String, of object: Object, to value: Value, _ call: Message) {
    var value = value
    if case .variant(let inner) = value { value = inner }
    switch (object, name) {
    case (.adapter(let index), "Powered"):
      guard let on = value.asBool else { return refuse(call, .invalidArguments) }
      setPower(index, on: on, call)
    case (.device, "Trusted"), (.device, "Blocked"), (.device, "Alias"), (.adapter, "Alias"), (.adapter, "Discoverable"),
      (.adapter, "Pairable"):
      reply(call)  // accepted and without effect: nothing of ours depends on it
    default:
      refuse(call, Refusal("org.freedesktop.DBus.Error.PropertyReadOnly", "Property '\(name)' is not writable"))
    }
  }

  /// Asked while it is being switched already, whichever way, it refuses.
  private mutating func setPower(_ index: Int, on: Bool, _ call: Message) {
    let adapter = adapters[index]
    guard adapter.switching == nil else { return refuse(call, .busy) }
    if on, !adapter.powered, adapter.setup.blocked { return refuse(call, .blocked) }
    guard adapter.powered != on, adapter.setup.power > .zero else {
      power(index, on: on)
      return reply(call)
    }
    adapters[index].switching = call
    set(.power(adapter: adapter.name, on: on, call: call.serial), in: adapter.setup.power)
  }

  mutating func concludePower(of name: String, on: Bool, _ serial: UInt32) {
    guard let index = adapters.firstIndex(where: { $0.name == name }), let call = adapters[index].switching,
      call.serial == serial
    else { return }
    adapters[index].switching = nil
    power(index, on: on)
    reply(call)
  }

  /// Without power there is no link, no attempt, no discovery, and no device but those that were connected to. A pending Connect is
  /// answered as if it had succeeded.
  mutating func power(_ index: Int, on: Bool) {
    guard adapters[index].powered != on else { return }
    if !on { silence(index, keepingConnected: true) }
    adapters[index].powered = on
    changed(adapters[index].path, Interface.adapter, ["Powered": .bool(on), "PowerState": .string(adapters[index].powerState)])
    note("adapter", ["adapter": .string(adapters[index].name), "powered": .bool(on)])
  }

  mutating func silence(_ index: Int, keepingConnected: Bool) {
    for device in devices.values.sorted(by: { $0.path < $1.path }) where device.adapter == adapters[index].name {
      guard keepingConnected, !device.temporary else {
        remove(device.path, by: "power")
        continue
      }
      close(device.path, by: "power")
      if case .pending(_, let call, _) = device.link {
        devices[device.path]?.link = .none
        reply(call)
      }
    }
    for client in adapters[index].discovering { endDiscovery(of: client, on: index) }
  }
}
