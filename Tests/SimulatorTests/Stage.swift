import DBus

@testable import Simulator

/// A world and a clock that the test turns.
struct Stage {
  static let inverter = "D8:B6:73:BF:4F:75"
  static let device = "/org/bluez/hci0/dev_D8_B6_73_BF_4F_75"
  static let adapter = "/org/bluez/hci0"
  static let write = "\(device)/service0010/char0011"
  static let notify = "\(device)/service0020/char0021"
  static let client = ":1.7"

  enum Answer: Equatable {
    case ok([Value])
    case error(Refusal)
  }

  var world: World
  private(set) var now: Duration = .zero
  private(set) var sent: [Message] = []
  private(set) var notes: [Note] = []
  /// What was sent on each connection of a module's socket, and which were hung up on.
  private(set) var packets: [Int: [[UInt8]]] = [:]
  private(set) var hungUp: Set<Int> = []
  private var serial: UInt32 = 0

  /// One inverter at the standard delays, with these JSON members in its module.
  init(_ members: String = "", top: String = "") throws {
    let more = members.isEmpty ? "" : ",\(members)"
    let json = """
      {\(top)"modules":[{"address":"\(Self.inverter)","name":"BTRIC134000035   ",
        "devices":[{"unit":32,"registers":"RIV4835CSH1S"}]\(more)}]}
      """
    self.init(try Setup(JSON(parsing: Array(json.utf8))))
  }

  init(_ setup: Setup) {
    world = World(setup)
    handle(.start)
  }

  mutating func handle(_ event: World.Event) {
    for effect in world.handle(event, at: now) {
      switch effect {
      case .send(let message): sent.append(message)
      case .note(let note): notes.append(note)
      case .packet(let session, let packet): packets[session, default: []].append(packet)
      case .hangUp(let session): hungUp.insert(session)
      }
    }
  }

  /// Lets time go by, stopping at every alarm on the way.
  mutating func pass(_ time: Duration) {
    let end = now + time
    while let due = world.nextDue, due <= end {
      now = max(now, due)
      handle(.woke)
    }
    now = end
  }

  /// Lets time go by unseen, as a suspended machine does.
  mutating func sleep(_ time: Duration) {
    now += time
    handle(.woke)
  }

  mutating func tell(_ line: String) throws { handle(.command(try Command(JSON(parsing: Array(line.utf8))))) }

  // MARK: - Calls

  @discardableResult
  mutating func call(
    _ member: String, _ interface: String, on path: String, _ body: [Value] = [], by client: String = Stage.client
  ) -> UInt32 {
    serial += 1
    var message = Message.call(to: "org.bluez", path, interface, member, body)
    message.serial = serial
    message.sender = client
    handle(.call(message))
    return serial
  }

  func answer(_ serial: UInt32) -> Answer? { answers(serial).first }

  func answers(_ serial: UInt32) -> [Answer] {
    sent.filter { $0.replySerial == serial }.map {
      $0.kind == .error ? .error(Refusal($0.errorName ?? "", $0.errorText)) : .ok($0.body)
    }
  }

  /// The answer that comes at once.
  mutating func ask(
    _ member: String, _ interface: String, on path: String, _ body: [Value] = [], by client: String = Stage.client
  ) -> Answer? {
    let serial = call(member, interface, on: path, body, by: client)
    return answer(serial)
  }

  @discardableResult
  mutating func connect(by client: String = Stage.client) -> UInt32 {
    call("Connect", Interface.device, on: Self.device, by: client)
  }

  @discardableResult
  mutating func disconnect(by client: String = Stage.client) -> UInt32 {
    call("Disconnect", Interface.device, on: Self.device, by: client)
  }

  /// Connected, services resolved, notifying on fff1.
  mutating func subscribe() {
    connect()
    pass(.milliseconds(500))
    call("StartNotify", Interface.characteristic, on: Self.notify)
  }

  mutating func request(_ hex: String) -> Answer? {
    ask(
      "WriteValue", Interface.characteristic, on: Self.write,
      [.bytes(Hex.bytes(hex) ?? []), .properties(["type": .string("command")])])
  }

  // MARK: - What was seen

  func property(_ name: String, of path: String = Stage.device) -> Value? {
    world.object(at: path).flatMap { world.interface(of: $0)?.properties[name] }
  }

  var isConnected: Bool { property("Connected") == .bool(true) }
  var isListed: Bool { world.object(at: Self.device) != nil }

  /// The notifications on fff1, as hexadecimal text.
  var notifications: [String] {
    changes(of: Self.notify).compactMap { $0["Value"]?.asBytes.map { Hex.text($0) } }
  }

  func changes(of path: String) -> [[String: Value]] {
    sent.filter { $0.path == path && $0.isSignal(Interface.properties, "PropertiesChanged") }
      .compactMap { $0.body.count == 3 ? $0.body[1].asDictionary : nil }
  }

  func noted(_ saw: String) -> [Note] { notes.filter { $0.saw == saw } }

  mutating func forgetWhatWasSent() { sent = [] }
}
