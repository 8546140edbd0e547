// Links that come by a socket instead of bluetoothd, as the kernel's own attribute channel does. A module takes one link, whoever
// makes it; this one falls when its socket closes, and the socket closes when the link falls.

/// One connection of a module's socket.
struct AttributeSession: Sendable {
  enum Progress: Equatable, Sendable {
    /// For an advertisement.
    case waiting
    /// For somebody's discovery to hear the module, or to end: while one runs the kernel does not look for the module itself.
    case unheard
    /// The end of the attempt is on the agenda.
    case running
    /// The link's id.
    case up(Int)
    /// Never answered, by a fault.
    case mute
  }

  let address: String
  var progress = Progress.waiting
  var device = ""
  /// By a fault the module ends the link as soon as it is made.
  var isDropped = false
  /// By a fault the link is made when the socket goes.
  var isHandedOver = false
  /// Once the services are there to be asked for.
  var server: AttributeServer?
  var notifying = false
  /// What came before that.
  var held: [[UInt8]] = []
}

extension World {
  /// As the kernel says it: the errno that a connect ends with.
  private enum Errno {
    static let noMemory: UInt8 = 12
    static let access: UInt8 = 13
    static let busy: UInt8 = 16
    static let aborted: UInt8 = 103
    static let noRoute: UInt8 = 113
  }

  static func client(_ session: Int) -> String { "att-\(session)" }

  mutating func attach(_ session: Int, to address: String) {
    guard let module = modules[address] else { return hangUp(session) }
    sessions[session] = AttributeSession(address: address)
    guard let name = module.setup.adapters.first(where: { adapter($0)?.powered == true }) else {
      return greet(session, with: Errno.noRoute)
    }
    note(
      "connect_asked",
      ["adapter": .string(name), "address": .string(address), "client": .string(Self.client(session))])
    let path = Device.path(address, on: name)
    sessions[session]?.device = path
    if let linked = module.linkedTo {
      // A link that nobody uses any more is the next one's; a link in use, or one that is being ended, is not.
      guard case .closing(let link, let waiting) = devices[linked]?.link, waiting.isEmpty,
        let idle = idleSessions.removeValue(forKey: link)
      else { return greet(session, with: Errno.busy) }
      // With the packet size and the subscription that were agreed on: to the module nothing has happened.
      sessions[session] = idle
      closings[link] = nil
      devices[linked]?.link = .up(link, by: Self.client(session))
      return greet(session, with: 0)
    }
    switch modules[address]?.strike(.connect).first {
    case .neverConnects: sessions[session]?.progress = .mute
    case .connectsWhenGivenUp:
      sessions[session]?.progress = .mute
      sessions[session]?.isHandedOver = true
    case .busyForever: greet(session, with: Errno.busy)
    case .slots: greet(session, with: Errno.noMemory)
    case .authFailed: greet(session, with: Errno.access)
    case .connectError: greet(session, with: Errno.aborted)
    case .dropOnConnect: sessions[session]?.isDropped = true
    default: break  // `settle` begins the attempt once the module advertises
    }
  }

  /// What follows for sessions from any change: attempts begin, and a socket goes with its link.
  mutating func settleSessions() {
    for id in sessions.keys.sorted() {
      guard let session = sessions[id] else { continue }
      let isUnderWay = if case .up = session.progress { false } else { true }
      if isUnderWay, !isPowered(session) {
        greet(id, with: Errno.aborted)
        continue
      }
      switch session.progress {
      case .waiting:
        guard let module = modules[session.address], module.isAdvertising else { continue }
        guard isDiscovering(for: session), module.setup.delays.discovery > .zero else {
          begin(id)
          continue
        }
        sessions[id]?.progress = .unheard
        set(.hear(session: id), in: module.setup.delays.discovery)
      case .unheard: if !isDiscovering(for: session) { begin(id) }
      case .up(let link):
        if devices[session.device]?.link.id != link {
          hangUp(id)
        } else if session.server == nil, let table = devices[session.device]?.table, devices[session.device]?.resolved == true {
          sessions[id]?.server = AttributeServer(
            table, mtu: modules[session.address]?.setup.mtu ?? 23, name: Array((modules[session.address]?.setup.name ?? "").utf8))
          sessions[id]?.held = []
          for packet in session.held { hear(packet, by: id) }
        }
      case .running, .mute: break
      }
    }
  }

  private func isDiscovering(for session: AttributeSession) -> Bool {
    adapters.contains { session.device.hasPrefix($0.path + "/") && !$0.discovering.isEmpty }
  }

  /// The attempt gets on; one whose module fell silent meanwhile waits again.
  mutating func begin(_ id: Int) {
    guard let session = sessions[id], let module = modules[session.address] else { return }
    guard module.isAdvertising else {
      sessions[id]?.progress = .waiting
      return
    }
    sessions[id]?.progress = .running
    set(.attach(session: id), in: module.setup.delays.connect)
  }

  mutating func concludeAttach(_ id: Int) {
    guard let session = sessions[id], session.progress == .running else { return }
    guard modules[session.address]?.isAdvertising == true else {
      sessions[id]?.progress = .waiting  // another was faster, or it fell silent
      return
    }
    guard let adapter = adapter(of: session) else { return hangUp(id) }
    // bluetoothd hears of the link, too.
    if devices[session.device] == nil { list(session.address, on: adapter.name, temporary: false) }
    if case .pending = devices[session.device]?.link { return greet(id, with: Errno.busy) }
    establish(session.device, by: Self.client(id))
    guard let link = devices[session.device]?.link.id else { return hangUp(id) }
    sessions[id]?.progress = .up(link)
    greet(id, with: 0)
    if session.isDropped { close(session.device, by: "drop") }
  }

  private func adapter(of session: AttributeSession) -> Adapter? {
    adapters.first { session.device.hasPrefix($0.path + "/") }
  }

  private func isPowered(_ session: AttributeSession) -> Bool { adapter(of: session)?.powered == true }

  mutating func hear(_ packet: [UInt8], by id: Int) {
    guard let session = sessions[id], case .up = session.progress, let device = devices[session.device] else { return }
    guard var server = session.server else {
      if session.held.count < 64 { sessions[id]?.held.append(packet) }
      return
    }
    let (answer, meaning) = server.take(packet)
    let isExploring = answer != nil && server.beginsExploring(packet)
    sessions[id]?.server = server
    // An error, a packet size, a confirmation: a client's answers.
    if let opcode = packet.first, [0x01, 0x03, 0x1e].contains(opcode) {
      note("att", ["address": .string(session.address), "hex": .string(Hex.text(packet))])
    }
    if isExploring { say(Fault.unasked(modules[session.address]?.strike(.exploring) ?? []), to: id) }
    switch meaning {
    case .nothing: if let answer { send(answer, to: id) }
    case .frame(let bytes):
      if let answer { send(answer, to: id) }
      receive(bytes, on: device)
    case .notifying(let on): notify(id, on, answer ?? [], server)
    }
  }

  /// On that link, if it came by a socket.
  mutating func say(_ unasked: [Fault.Unasked], on link: Int) {
    if let id = sessions.first(where: { $0.value.progress == .up(link) })?.key { say(unasked, to: id) }
  }

  private mutating func say(_ unasked: [Fault.Unasked], to id: Int) {
    guard let server = sessions[id]?.server else { return }
    for what in unasked { send(server.unasked(what), to: id) }
  }

  private mutating func notify(_ id: Int, _ on: Bool, _ answer: [UInt8], _ server: AttributeServer) {
    guard let session = sessions[id] else { return }
    let who = listener(id, session)
    guard on else {
      if session.notifying { note("notify_off", who) }
      sessions[id]?.notifying = false
      return send(answer, to: id)
    }
    let strike = modules[session.address]?.strike(.notify).first
    if strike == .notifyRefused { return send(server.refusedSubscription(0x03), to: id) }
    if strike == .needsPairing { return send(server.refusedSubscription(0x05), to: id) }
    send(answer, to: id)
    if strike == .notifyIgnored { return }
    sessions[id]?.notifying = true
    note("notify_on", who)
    if strike == .dropOnSubscribe { close(session.device, by: "drop") }
  }

  private func listener(_ id: Int, _ session: AttributeSession) -> [String: JSON] {
    [
      "address": .string(session.address), "uuid": .string(devices[session.device]?.table?.talking?.uuid ?? ""),
      "client": .string(Self.client(id)),
    ]
  }

  /// A piece of a reply, to the session that has this link. Whether it wants to hear it.
  mutating func notifySession(of link: Int, _ fragment: [UInt8]?) -> Bool {
    guard let (id, session) = sessions.first(where: { $0.value.progress == .up(link) }), session.notifying,
      let server = session.server
    else { return false }
    if let fragment { send(server.notification(fragment), to: id) }
    return true
  }

  /// The socket was closed by its other end: the kernel keeps an idle link for a while, and then it falls.
  mutating func detach(_ id: Int) {
    guard let session = sessions.removeValue(forKey: id) else { return }
    if session.isHandedOver {
      return set(
        .handOver(address: session.address, device: session.device), in: modules[session.address]?.setup.delays.connect ?? .zero)
    }
    guard case .up(let link) = session.progress, devices[session.device]?.link.id == link else { return }
    if session.notifying {
      note("notify_off", listener(id, session))
    }
    guard let device = devices[session.device], case .up = device.link else { return }  // it is about to fall already
    idleSessions[link] = session
    beginToClose(link, of: device, waiting: [])
  }

  /// The controller was told too late to give the connection up, and the kernel finds no socket that it is for: bluetoothd listens
  /// for links, and keeps what it gets.
  mutating func handOver(_ address: String, _ device: String) {
    guard let adapter = adapters.first(where: { device.hasPrefix($0.path + "/") }), adapter.powered,
      modules[address]?.isAdvertising == true
    else { return }
    if devices[device] == nil { list(address, on: adapter.name, temporary: false) }
    guard case .some(.none) = devices[device]?.link else { return }
    establish(device, by: "bluetoothd")
  }

  private mutating func greet(_ id: Int, with errno: UInt8) {
    send([errno], to: id)
    if errno != 0 {
      note(
        "connect_failed",
        [
          "address": .string(sessions[id]?.address ?? ""), "error": .string("errno"), "text": .string("\(errno)"),
          "client": .string(Self.client(id)),
        ])
      hangUp(id)
    }
  }
}
