import DBus

// Connect, Disconnect, and everything that ends a link. A client's death is none of it.

extension World {
  mutating func answerDevice(_ call: Message, _ path: String) {
    guard let device = devices[path], call.body.isEmpty else { return refuse(call, unknown(call, "UnknownMethod")) }
    let who: [String: JSON] = [
      "adapter": .string(device.adapter), "address": .string(device.address), "client": .string(call.sender ?? ""),
    ]
    switch call.member {
    case "Connect":
      note("connect_asked", who)
      connect(call, device)
    case "Disconnect":
      note("disconnect_asked", who)
      disconnect(call, device)
    case "Pair": refuse(call, Refusal("org.bluez.Error.AuthenticationFailed", "Authentication Failed"))
    case "CancelPairing": refuse(call, .doesNotExist)
    default: refuse(call, unknown(call, "UnknownMethod"))
    }
  }

  private mutating func connect(_ call: Message, _ device: Device) {
    guard adapter(device.adapter)?.powered == true else { return refuse(call, .failed("Input/output error")) }
    switch device.link {
    case .up, .closing: return reply(call)  // also while the link is about to fall: nothing says so until it has
    case .pending: return refuse(call, setup.namesInProgress ? .inProgress : .failed("Operation already in progress"))
    case .none: break
    }
    devices[device.path]?.temporary = false
    let attempt = nextID()
    let delay = modules[device.address]?.setup.delays.connect ?? .zero
    let strikes = modules[device.address]?.strike(.connect) ?? []
    var end: Refusal?
    switch strikes.first {
    case .neverConnects, .connectsWhenGivenUp:
      devices[device.path]?.link = .pending(attempt: attempt, call: call, running: true)
      return
    case .busyForever:
      return refuse(call, setup.namesInProgress ? .inProgress : .failed("Operation already in progress"))
    case .slots: return refuse(call, .failed("le-connection-concurrent-connection-limit"))
    case .dropOnConnect: end = .failed("le-connection-abort-by-local")
    case .authFailed: end = Refusal("org.bluez.Error.AuthenticationFailed", "Authentication Failed")
    case .connectError(let refusal): end = refusal
    default: break
    }
    devices[device.path]?.link = .pending(attempt: attempt, call: call, running: end != nil)
    if let end { set(.attempt(attempt, device: device.path, refused: end), in: delay) }
  }

  /// An attempt gets on once its module advertises; until then bluetoothd waits, however long it takes.
  mutating func startAttempt(_ path: String) {
    guard let device = devices[path], case .pending(let attempt, let call, false) = device.link,
      let module = modules[device.address], module.isAdvertising
    else { return }
    devices[path]?.link = .pending(attempt: attempt, call: call, running: true)
    set(.attempt(attempt, device: path, refused: nil), in: module.setup.delays.connect)
  }

  mutating func concludeAttempt(_ attempt: Int, on path: String, _ refused: Refusal?) {
    guard let device = devices[path], case .pending(attempt, let call, _) = device.link else { return }
    if let refused { return failAttempt(path, call, refused) }
    guard modules[device.address]?.isAdvertising == true else {
      devices[path]?.link = .pending(attempt: attempt, call: call, running: false)  // another was faster, or it fell silent
      return
    }
    establish(path, by: call.sender ?? "")
    reply(call)
  }

  private mutating func failAttempt(_ path: String, _ call: Message, _ refusal: Refusal) {
    devices[path]?.link = .none
    note(
      "connect_failed",
      [
        "address": .string(devices[path]?.address ?? ""), "error": .string(refusal.name), "text": .string(refusal.text),
        "client": .string(call.sender ?? ""),
      ])
    refuse(call, refusal)
  }

  mutating func establish(_ path: String, by owner: String) {
    guard let device = devices[path] else { return }
    let link = nextID()
    devices[path]?.link = .up(link, by: owner)
    devices[path]?.temporary = false
    modules[device.address]?.linkedTo = path
    note("linked", ["adapter": .string(device.adapter), "address": .string(device.address), "client": .string(owner)])
    guard let module = modules[device.address] else { return changed(path, Interface.device, ["Connected": .bool(true)]) }
    var delay = module.setup.delays.services
    var table = module.setup.pushes ? GattTable.shunt : .renogy
    let strikes = modules[device.address]?.strike(.services) ?? []
    if !strikes.contains(.connectedUnsaid) { changed(path, Interface.device, ["Connected": .bool(true)]) }
    for strike in strikes {
      switch strike {
      case .servicesNeverResolve:
        // The first request is given up after the 30 s of an ATT transaction: resolved, it says, and nothing is there.
        delay = .seconds(30)
        table = .none
      case .servicesLate(let later): delay = later
      case .noCharacteristics: table = .stranger
      // bluetoothd's memory is not the kernel's.
      case .staleCache where sessions.allSatisfy({ Self.client($0.key) != owner }):
        if modules[device.address]?.wasRemoved == false { table = .stranger }
      default: break
      }
    }
    if device.table != table { replaceTable(path, with: nil) }
    pendingTables[link] = table
    set(.resolve(link: link, device: path), in: delay)
  }

  mutating func resolveServices(_ link: Int, on path: String) {
    guard let table = pendingTables.removeValue(forKey: link), let device = devices[path], device.link.id == link else { return }
    if device.table == nil { replaceTable(path, with: table) }
    devices[path]?.resolved = true
    changed(path, Interface.device, ["ServicesResolved": .bool(true), "UUIDs": .strings(table.services.map(\.uuid))])
    note("services_resolved", ["address": .string(device.address)])
    // Sessions that were started before, or that outlived the last link, are taken up again.
    for characteristic in devices[path]?.notifying.keys.sorted() ?? [] { subscribe(characteristic, on: path) }
  }

  private mutating func replaceTable(_ path: String, with table: GattTable?) {
    for old in gattPaths(path).reversed() { denounce(old) }
    devices[path]?.table = table
    if table == nil {
      devices[path]?.notifying = [:]
      devices[path]?.subscribed = []
      devices[path]?.values = [:]
    }
    for new in gattPaths(path) { announce(new) }
  }

  private mutating func disconnect(_ call: Message, _ device: Device) {
    switch device.link {
    case .none: reply(call)
    case .pending(_, let pending, _):
      failAttempt(device.path, pending, .failed("br-connection-canceled"))
      reply(call)
    case .up(let link, _):
      if modules[device.address]?.strike(.disconnect).isEmpty == false { return }
      beginToClose(link, of: device, waiting: [call])
    case .closing(let link, let waiting): devices[device.path]?.link = .closing(link, waiting: waiting + [call])
    }
  }

  mutating func beginToClose(_ link: Int, of device: Device, waiting: [Message]) {
    let closing = nextID()
    devices[device.path]?.link = .closing(link, waiting: waiting)
    closings[link] = closing
    set(
      .fall(link: link, device: device.path, closing: closing),
      in: modules[device.address]?.setup.delays.disconnect ?? .zero)
  }

  /// The link falls. BlueZ says that the services are gone, answers those who asked for it, and then says that it is not connected;
  /// its GATT objects stay.
  mutating func close(_ path: String, by cause: String) {
    guard let device = devices[path], let link = device.link.id else { return }
    devices[path]?.link = .none
    devices[path]?.resolved = false
    pendingTables[link] = nil
    idleSessions[link] = nil
    closings[link] = nil
    modules[device.address]?.linkedTo = nil
    if device.resolved { changed(path, Interface.device, ["ServicesResolved": .bool(false)]) }
    if case .closing(_, let waiting) = device.link { for call in waiting { reply(call) } }
    note("link_closed", ["adapter": .string(device.adapter), "address": .string(device.address), "by": .string(cause)])
    // Of a link that is there again as fast as this, bluetoothd does not say that it was gone.
    if modules[device.address]?.reconnects == true, adapter(device.adapter)?.powered == true, cause != "remove" {
      return establish(path, by: "kernel")
    }
    changed(path, Interface.device, ["Connected": .bool(false)])
  }

  /// The object goes, with its link. The caller of a pending Connect is never answered.
  mutating func remove(_ path: String, by cause: String) {
    guard let device = devices[path] else { return }
    close(path, by: cause)
    for old in gattPaths(path).reversed() { denounce(old) }
    denounce(path)
    devices[path] = nil
    note("device_gone", ["adapter": .string(device.adapter), "address": .string(device.address), "by": .string(cause)])
  }
}
