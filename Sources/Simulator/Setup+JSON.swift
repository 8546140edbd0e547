import Readings

// Read by hand, so that a key that nobody asked for is an error that names it (`protocol/simulator.md` lists them).

extension Setup {
  package init(_ json: JSON) throws(Mistake) {
    self.init()
    var fields = try Fields(json, at: "set-up")
    if let list = try fields.list("adapters") {
      adapters = []
      for (index, element) in list.enumerated() { adapters.append(try Adapter(element, at: "adapters[\(index)]")) }
    }
    forget = try fields.milliseconds("forget_ms") ?? forget
    if let version = try fields.text("bluez") {
      guard ["5.66", "5.82"].contains(version) else { throw Mistake("bluez must be \"5.66\" or \"5.82\"") }
      namesInProgress = version == "5.82"
    }
    modules = Setup.standard.modules
    for index in modules.indices { modules[index].adapters = adapters.prefix(1).map(\.name) }
    if let list = try fields.list("modules") {
      modules = []
      for (index, element) in list.enumerated() {
        modules.append(try Module(element, at: "modules[\(index)]", adapters: adapters.map(\.name)))
      }
    }
    try fields.finish()
    let addresses = modules.map(\.address)
    if let twice = addresses.first(where: { one in addresses.count { $0 == one } > 1 }) {
      throw Mistake("modules: \(twice) is listed twice")
    }
    if Set(adapters.map(\.name)).count < adapters.count { throw Mistake("adapters: a name is listed twice") }
  }
}

extension Setup.Adapter {
  init(_ json: JSON, at place: String) throws(Mistake) {
    var fields = try Fields(json, at: place)
    let name = try fields.needText("name")
    guard name.hasPrefix("hci"), let number = Int(name.dropFirst(3)), (0...99).contains(number) else {
      throw Mistake("\(fields.name("name")): '\(name.prefix(40))' is not an adapter name like hci0")
    }
    self.init(
      name: name, powered: try fields.flag("powered") ?? true, power: try fields.milliseconds("power_ms") ?? .zero,
      blocked: try fields.flag("blocked") ?? false)
    try fields.finish()
  }
}

extension Setup.Module {
  init(_ json: JSON, at place: String, adapters present: [String]) throws(Mistake) {
    var fields = try Fields(json, at: place)
    self.init(address: try fields.address("address"), adapters: Array(present.prefix(1)))
    name = try fields.text("name") ?? ""
    addressType = try fields.text("address_type") ?? addressType
    guard ["public", "random"].contains(addressType) else {
      throw Mistake("\(fields.name("address_type")) must be public or random")
    }
    switch fields.take("adapter") {
    case nil: break
    case .string(let one): adapters = [one]
    case .array(let several): adapters = several.compactMap(\.text)
    default: throw Mistake("\(fields.name("adapter")) must be an adapter's name or a list of them")
    }
    rssi = try fields.number("rssi", in: -127...20).map { Int16($0) } ?? rssi
    known = try fields.flag("known") ?? false
    paired = try fields.flag("paired") ?? false
    advertising = try fields.flag("advertising") ?? true
    mtu = try fields.number("mtu", in: 23...517) ?? mtu
    answers255As = try fields.number("answers_255_as", in: 0...255).map { UInt8($0) }
    vary = try fields.flag("vary") ?? false
    let pace = fields.take("delays")
    if let pace { delays = try Setup.Delays(pace, at: fields.name("delays")) }
    let list = try fields.list("devices") ?? []
    for (index, element) in list.enumerated() {
      let place = fields.name("devices[\(index)]")
      guard element["registers"]?.text == Shunt.model else {
        devices.append(try Setup.Device(element, at: place))
        continue
      }
      guard list.count == 1 else { throw Mistake("\(fields.name("devices")): \(Shunt.model) must be the only one") }
      shunt = try Shunt(element, at: place)
    }
    if let path = try fields.text("transcript") {
      guard list.isEmpty else { throw Mistake("\(fields.name("transcript")): a module has that, or devices") }
      try play(path, at: fields.name("transcript"), pace)
    }
    for (index, element) in (try fields.list("faults") ?? []).enumerated() {
      faults.append(try Fault(element, at: fields.name("faults[\(index)]")))
    }
    try fields.finish()
  }
}

extension Setup.Delays {
  init(_ json: JSON, at place: String) throws(Mistake) {
    self.init()
    var fields = try Fields(json, at: place)
    advertise = try fields.milliseconds("advertise_ms") ?? advertise
    connect = try fields.milliseconds("connect_ms") ?? connect
    services = try fields.milliseconds("services_ms") ?? services
    reply = try fields.milliseconds("reply_ms") ?? reply
    fragment = try fields.milliseconds("fragment_ms") ?? fragment
    disconnect = try fields.milliseconds("disconnect_ms") ?? disconnect
    push = try fields.milliseconds("push_ms") ?? push
    discovery = try fields.milliseconds("discovery_ms") ?? discovery
    try fields.finish()
    // An interval of nothing would be advertisements, or frames, without end within one moment.
    guard advertise > .zero else { throw Mistake("\(place).advertise_ms must be at least 1") }
    guard push > .zero else { throw Mistake("\(place).push_ms must be at least 1") }
  }
}

extension Setup.Device {
  init(_ json: JSON, at place: String) throws(Mistake) {
    var fields = try Fields(json, at: place)
    guard let unit = try fields.number("unit", in: 1...254) else { throw Mistake("\(fields.name("unit")) is missing") }
    let model = try fields.needText("registers")
    guard var registers = Registers.models[model] else {
      throw Mistake(
        "\(fields.name("registers")): '\(model.prefix(40))' is not one of \((Registers.models.keys + [Shunt.model]).sorted().joined(separator: ", "))"
      )
    }
    if let words = fields.take("words") { try registers.overlay(words, at: fields.name("words")) }
    try fields.finish()
    self.init(unit: UInt8(unit), registers: registers)
  }
}

extension Shunt {
  /// A `unit` may stand there as for any device; nobody asks for it.
  init(_ json: JSON, at place: String) throws(Mistake) {
    self.init()
    var fields = try Fields(json, at: place)
    _ = try fields.number("unit", in: 1...254)
    _ = try fields.needText("registers")
    try fields.finish()
  }
}

extension Registers {
  /// `{"4543": "0001 0002"}`: words of the set-up's own, over the model's table blocks; a captured frame stays as it was.
  fileprivate mutating func overlay(_ json: JSON, at place: String) throws(Mistake) {
    guard case .object(let fields) = json else { throw Mistake("\(place) must be an object") }
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      guard let first = UInt16(key), let bytes = value.text.flatMap(Hex.bytes), !bytes.isEmpty, bytes.count % 2 == 0 else {
        throw Mistake("\(place).\(key) must be a register with its words as hexadecimal pairs")
      }
      let words = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
      let covered = Int(first)..<Int(first) + words.count
      for block in blocks where block.origin != .table {
        if covered.overlaps(Int(block.first)..<Int(block.first) + block.words.count) {
          throw Mistake("\(place).\(key) is within a captured frame")
        }
      }
      blocks.insert(Block(first: first, origin: .table, words: words), at: 0)
    }
  }
}
