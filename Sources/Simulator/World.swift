package import DBus
import Readings

/// bluetoothd, its adapters, and the air: a value that is told what happened and says what to send and what to note.
///
/// Time is the `Duration` since the start, given with every event; nothing here waits.
package struct World: Sendable {
  package enum Event: Sendable {
    case start
    case call(Message)
    /// A client's unique name left the bus.
    case clientGone(String)
    case command(Command)
    /// Somebody connected to a module's socket; the number names the connection.
    case attached(Int, address: String)
    case packet(Int, [UInt8])
    /// The other end closed it.
    case detached(Int)
    /// The moment of `nextDue` has come.
    case woke
  }

  package enum Effect: Equatable, Sendable {
    case send(Message)
    case note(Note)
    /// On that connection of a module's socket.
    case packet(Int, [UInt8])
    case hangUp(Int)
  }

  let setup: Setup
  var adapters: [Adapter] = []
  var modules: [String: Module] = [:]
  /// bluetoothd's device objects, by path.
  var devices: [String: Device] = [:]
  /// What will be found on a link, by link.
  var pendingTables: [Int: GattTable] = [:]
  /// Connections of modules' sockets.
  var sessions: [Int: AttributeSession] = [:]
  /// Of links whose socket is gone, until they fall: what the next socket takes over.
  var idleSessions: [Int: AttributeSession] = [:]
  /// Of links that are about to fall, which ending it is: one that is taken over stands, and may be ended again.
  var closings: [Int: Int] = [:]
  /// Everyone who has called, so that the journal can say when one goes.
  private var clients: Set<String> = []
  private(set) var agenda = Agenda()
  private(set) var now: Duration = .zero
  /// The moment of the event being handled; while alarms that were due before it ring, `now` is theirs.
  private(set) var horizon: Duration = .zero
  private var effects: [Effect] = []
  private var lastID = 0

  package init(_ setup: Setup) {
    self.setup = setup
    for module in setup.modules { modules[module.address.text] = Module(module) }
    adapters = setup.adapters.map(Adapter.init)
    for module in setup.modules where module.known {
      for adapter in module.adapters where self.adapter(adapter)?.powered == true {
        list(module.address.text, on: adapter, temporary: false)
      }
    }
    effects = []  // what is there at the start is not announced
  }

  /// When `woke` is wanted.
  package var nextDue: Duration? { agenda.nextDue }

  package mutating func handle(_ event: Event, at moment: Duration) -> [Effect] {
    horizon = max(horizon, moment)
    while let (due, alarm) = agenda.pop(until: moment) {
      now = max(now, due)
      ring(alarm)
    }
    now = max(now, moment)
    switch event {
    case .start: noteStart()
    case .call(let message): answer(message)
    case .clientGone(let client): release(client)
    case .command(let command): obey(command)
    case .attached(let session, let address): attach(session, to: address)
    case .packet(let session, let packet): hear(packet, by: session)
    case .detached(let session): detach(session)
    case .woke: break
    }
    settle()
    defer { effects = [] }
    return effects
  }

  private mutating func ring(_ alarm: Alarm) {
    switch alarm {
    case .advertise(let module): advertise(module)
    case .attempt(let attempt, let device, let refused): concludeAttempt(attempt, on: device, refused)
    case .resolve(let link, let device): resolveServices(link, on: device)
    case .fall(let link, let device, let closing): if closings[link] == closing { close(device, by: "disconnect") }
    case .unasked(let link, let packets): say(packets, on: link)
    case .fragment(let link, let device, let fragments, let index, let request):
      deliver(fragments, from: index, request: request, link: link, device: device)
    case .forget(let device, let listing): considerForgetting(device, listing)
    case .attach(let session): concludeAttach(session)
    case .handOver(let address, let device): handOver(address, device)
    case .power(let adapter, let on, let serial): concludePower(of: adapter, on: on, serial)
    case .push(let address, let pushing): push(address, pushing)
    case .hear(let session): if sessions[session]?.progress == .unheard { begin(session) }
    }
    settle()
  }

  /// What follows from any change: a module that came on the air is found by those who wait for it.
  private mutating func settle() {
    for address in modules.keys.sorted() {
      guard var module = modules[address] else { continue }
      let onAir = module.isAdvertising || module.isLinked
      if onAir {
        module.offAirSince = nil
      } else if module.offAirSince == nil {
        module.offAirSince = now
      }
      modules[address] = module
    }
    for path in devices.keys.sorted() { startAttempt(path) }
    settleSessions()
    settlePushes()
  }

  private mutating func release(_ client: String) {
    for index in adapters.indices { endDiscovery(of: client, on: index) }
    for path in devices.keys.sorted() { endNotifying(of: client, on: path) }
    if clients.remove(client) != nil { note("client_gone", ["client": .string(client)]) }
  }

  // MARK: - What the rest of the world is written with

  mutating func remember(_ client: String) { clients.insert(client) }

  mutating func set(_ alarm: Alarm, in delay: Duration) { agenda.add(alarm, at: now + delay) }

  mutating func send(_ message: Message) { effects.append(.send(message)) }

  mutating func send(_ packet: [UInt8], to session: Int) { effects.append(.packet(session, packet)) }

  mutating func hangUp(_ session: Int) {
    sessions[session] = nil
    effects.append(.hangUp(session))
  }

  mutating func refuse(_ call: Message, _ refusal: Refusal) {
    if !call.noReply { send(call.reply(error: refusal.name, refusal.text)) }
  }

  mutating func reply(_ call: Message, _ body: [Value] = []) {
    if !call.noReply { send(call.reply(body)) }
  }

  mutating func note(_ saw: String, _ fields: [String: JSON] = [:]) {
    effects.append(.note(Note(at: now, saw, fields)))
  }

  mutating func nextID() -> Int {
    lastID += 1
    return lastID
  }
}
