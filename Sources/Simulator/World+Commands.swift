import DBus
import Readings

extension World {
  mutating func obey(_ command: Command) {
    if let trouble = perform(command) {
      note("error", ["do": .string(command.word), "text": .string(trouble)])
    } else if command == .state {
      noteState()
    } else {
      note("did", ["do": .string(command.word)])
    }
  }

  /// What stood in the way, as a sentence.
  private mutating func perform(_ command: Command) -> String? {
    switch command {
    case .faults(let address, _), .advertise(let address, _), .drop(let address), .link(let address, _):
      guard let module = modules[address.text] else { return "\(address) is not a module of this simulation" }
      return perform(command, on: module)
    case .power(let name, let on):
      guard let index = adapters.firstIndex(where: { $0.name == name }) else { return "there is no adapter \(name)" }
      power(index, on: on)
    case .removeAdapter(let name):
      guard let index = adapters.firstIndex(where: { $0.name == name }) else { return "there is no adapter \(name)" }
      silence(index, keepingConnected: false)
      denounce(adapters[index].path)
      adapters.remove(at: index)
      note("adapter", ["adapter": .string(name), "present": .bool(false)])
    case .addAdapter(let setup):
      guard adapter(setup.name) == nil else { return "there is an adapter \(setup.name) already" }
      adapters.append(Adapter(setup))
      announce("/org/bluez/\(setup.name)")
      note("adapter", ["adapter": .string(setup.name), "present": .bool(true), "powered": .bool(setup.powered)])
    case .state: break
    }
    return nil
  }

  private mutating func perform(_ command: Command, on module: Module) -> String? {
    let address = module.setup.address.text
    switch command {
    case .faults(_, let faults): modules[address]?.faults = faults
    case .advertise(_, let on): modules[address]?.switchedOn = on
    case .drop:
      guard let path = module.linkedTo else { return "\(address) has no link" }
      close(path, by: "drop")
    case .link(_, let owner):
      guard !module.isLinked else { return "\(address) has a link already" }
      guard let name = module.setup.adapters.first(where: { adapter($0)?.powered == true }) else {
        return "no powered adapter hears \(address)"
      }
      let path = Device.path(address, on: name)
      if devices[path] == nil { list(address, on: name, temporary: false) }
      if case .pending = devices[path]?.link { return "\(address) is being connected to" }
      establish(path, by: owner)
    default: break
    }
    return nil
  }

  private mutating func noteState() {
    let all = devices.values.sorted { $0.path < $1.path }
    let waiting = sessions.values.filter { [.waiting, .unheard, .running, .mute].contains($0.progress) }.map(\.address)
    let listening = sessions.filter(\.value.notifying).map { Self.client($0.key) }
    note(
      "state",
      [
        "links": .strings(all.filter(\.isConnected).map(\.address)),
        "pending": .strings(all.filter { if case .pending = $0.link { true } else { false } }.map(\.address) + waiting.sorted()),
        "discovering": .strings(adapters.flatMap(\.discovering)),
        "notifying": .strings(Set(all.flatMap { $0.notifying.values.flatMap { $0 } } + listening).sorted()),
        "listed": .strings(all.map(\.path)),
      ])
  }

  /// What is simulated and where each register block comes from, then that bluetoothd is there.
  mutating func noteStart() {
    for module in setup.modules {
      for device in module.devices {
        for block in device.registers.blocks {
          var fields: [String: JSON] = [
            "address": .string(module.address.text), "unit": .int(Int(device.unit)), "register": .int(Int(block.first)),
            "words": .int(block.words.count), "model": .string(device.registers.model),
          ]
          fields.merge(Self.told(block.origin)) { $1 }
          note("registers", fields)
        }
      }
      for part in module.shunt?.parts ?? [] {
        let fields: [String: JSON] = [
          "address": .string(module.address.text), "model": .string(Shunt.model), "byte": .int(part.first),
          "bytes": .int(part.bytes.count),
        ]
        note("frame", fields.merging(Self.told(part.origin)) { $1 })
      }
    }
    note(
      "ready",
      ["adapters": .strings(adapters.map(\.name)), "modules": .strings(setup.modules.map(\.address.text))])
  }
  private static func told(_ origin: Registers.Origin) -> [String: JSON] {
    switch origin {
    case .capture(let id, let source): ["origin": .string("capture"), "id": .string(id), "source": .string(source)]
    case .partial(let id, let source): ["origin": .string("capture-partial"), "id": .string(id), "source": .string(source)]
    case .table: ["origin": .string("table")]
    }
  }
}
