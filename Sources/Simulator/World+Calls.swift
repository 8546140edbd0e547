import DBus

// Who is asked what. Errors for what is not there are in libdbus's words, newline included.

extension World {
  mutating func answer(_ call: Message) {
    guard let path = call.path, let member = call.member else { return }
    if let sender = call.sender { remember(sender) }
    if isMute(member, path) {
      note("muted", ["method": .string(member), "path": .string(path), "client": .string(call.sender ?? "")])
      return
    }
    if call.interface == Interface.peer || call.interface == nil && member == "Ping" { return answerPeer(call) }
    if let object = object(at: path) {
      answer(call, to: object)
    } else if path == "/org" || call.interface == Interface.introspectable {
      // The parents of objects exist in D-Bus's tree, though they have nothing to say.
      call.interface == Interface.introspectable ? introspect(call, path) : refuse(call, unknown(call, "UnknownMethod"))
    } else {
      refuse(call, unknown(call, "UnknownObject"))
    }
  }

  private mutating func answer(_ call: Message, to object: Object) {
    let member = call.member ?? ""
    switch (call.interface ?? Interface.device, object) {
    case (Interface.properties, _): answerProperties(call, of: object)
    case (Interface.introspectable, _) where member == "Introspect": introspect(call, call.path ?? "/")
    case (Interface.objectManager, .root) where member == "GetManagedObjects":
      let objects = paths.compactMap { path in self.object(at: path).map { Value.Entry(.objectPath(path), interfaces(of: $0)) } }
      reply(call, [.dictionary(signature: "oa{sa{sv}}", objects)])
    case (Interface.adapter, .adapter(let index)): answerAdapter(call, index)
    case (Interface.device, .device(let path)): answerDevice(call, path)
    case (Interface.characteristic, .characteristic(let path, let one)): answerCharacteristic(call, one, on: path)
    case (Interface.descriptor, .descriptor) where member == "ReadValue": reply(call, [.bytes([0, 0])])
    case (Interface.agentManager, .bluez) where ["RegisterAgent", "UnregisterAgent", "RequestDefaultAgent"].contains(member):
      reply(call)
    default: refuse(call, unknown(call, "UnknownMethod"))
    }
  }

  /// A fault of any module mutes a method of bluetoothd's own objects; a device's methods only its own module's.
  private mutating func isMute(_ member: String, _ path: String) -> Bool {
    let owner = devices.values.first { path == $0.path || path.hasPrefix($0.path + "/") }?.address
    var mute = false
    for address in modules.keys.sorted() where owner == nil || owner == address {
      let struck = modules[address]?.strike(.call) { $0.kind == .daemonMute(member) } ?? []
      if !struck.isEmpty { mute = true }
    }
    return mute
  }

  func unknown(_ call: Message, _ kind: String) -> Refusal {
    let signature = call.body.map(\.typeSignature).joined()
    return Refusal(
      "org.freedesktop.DBus.Error.\(kind)",
      "Method \"\(call.member ?? "")\" with signature \"\(signature)\" on interface \"\(call.interface ?? "(null)")\" doesn't exist\n"
    )
  }

  private mutating func answerPeer(_ call: Message) {
    switch call.member {
    case "Ping": reply(call)
    case "GetMachineId": reply(call, [.string("00000000000000000000000000000000")])
    default: refuse(call, unknown(call, "UnknownMethod"))
    }
  }

  private mutating func introspect(_ call: Message, _ path: String) {
    let prefix = path == "/" ? "/" : path + "/"
    let below = paths.filter { $0.hasPrefix(prefix) }.compactMap { $0.dropFirst(prefix.count).split(separator: "/").first }
    var names: [Substring] = []
    for name in below where !names.contains(name) { names.append(name) }
    let nodes = names.map { "<node name=\"\($0)\"/>" }.joined()
    let own = object(at: path).flatMap { interface(of: $0)?.name }.map { "<interface name=\"\($0)\"/>" } ?? ""
    let type = """
      <!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN" \
      "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
      """
    reply(call, [.string("\(type)<node>\(own)\(nodes)</node>")])
  }
}
