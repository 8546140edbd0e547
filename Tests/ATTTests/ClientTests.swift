import Chance
import Readings
import Testing

@testable import ATT

struct ClientTests {
  static let line = Client.SerialLine(
    writeService: .init(0xffd0), write: .init(0xffd1), notifyService: .init(0xfff0), notify: .init(0xfff1))
  static let here = SerialHandles(write: 0x12, notify: 0x22, configuration: 0x23)

  /// Both ends, wired together.
  struct Pair {
    var client: Client
    var peripheral: Peripheral
    var outcomes: [Client.Outcome] = []
    /// What the client said that was no request to be answered.
    var answers: [PDU] = []

    init(
      _ peripheral: Peripheral, remembered: SerialHandles? = nil, seeking lines: [Client.SerialLine] = [ClientTests.line]
    ) {
      self.peripheral = peripheral
      client = Client(seeking: lines, remembered: remembered)
    }

    mutating func carry(_ step: Client.Step) {
      var steps = [step]
      while !steps.isEmpty {
        let step = steps.removeFirst()
        outcomes += step.outcomes
        for packet in step.packets {
          if let pdu = try? PDU(packet) {
            switch pdu {
            case .error, .confirmation, .mtuResponse: answers.append(pdu)
            default: break
            }
          }
          for answer in peripheral.answer(packet) { steps.append(client.receive(answer)) }
        }
      }
    }

    mutating func start() { carry(client.start()) }

    mutating func hear(_ hex: String) { carry(client.receive(bytes(hex))) }

    mutating func listen() {
      start()
      carry(client.subscribe())
    }
  }

  @Test(arguments: [23, 48, 185, 247, 517] as [UInt16])
  func `the serial line is found at any MTU, never the trap`(mtu: UInt16) throws {
    var pair = Pair(.renogy(mtu: mtu))
    pair.listen()
    #expect(pair.outcomes == [.found(try #require(Self.here)), .subscribed])
    #expect(pair.peripheral.writes.map(\.handle) == [0x23])
    #expect(pair.peripheral.writes.map(\.value) == [[1, 0]])
  }

  @Test func `frames go to the write value as commands, and only the serial line's notifications are chunks`() throws {
    var pair = Pair(.renogy())
    pair.listen()
    #expect(try pair.client.packet(carrying: bytes("20 03 0f a0 00 0a c0 4a")) == bytes("52 12 00 20 03 0f a0 00 0a c0 4a"))
    pair.outcomes = []
    pair.hear("1b 22 00 20 03 14")
    pair.hear("1b 16 00 01")
    #expect(pair.outcomes == [.chunk([0x20, 0x03, 0x14])])
  }

  // MARK: - What is listened to only

  static let pushed = Client.SerialLine(writeService: nil, write: nil, notifyService: .init(0xc011), notify: .init(0xc411))

  @Test func `of several lines the first that is there is taken, and one that is listened to has nothing to write`() throws {
    for (peripheral, line, handles) in [
      (Peripheral.renogy(mtu: 23), Self.line, Self.here),
      (.shunt(mtu: 23), Self.pushed, SerialHandles(write: nil, notify: 0x12, configuration: 0x13)),
    ] {
      var pair = Pair(peripheral, seeking: [Self.line, Self.pushed])
      pair.listen()
      #expect(pair.outcomes == [.found(try #require(handles)), .subscribed] && pair.client.line == line)
    }
    var pair = Pair(.shunt(mtu: 23), seeking: [Self.pushed])
    pair.listen()
    #expect(throws: Trouble.listenedToOnly) { try pair.client.packet(carrying: [1]) }
    pair.hear("1b 12 00 42 57")
    #expect(pair.outcomes.last == .chunk([0x42, 0x57]))
  }

  @Test func `handles of one line are not taken for another's`() throws {
    let shunt = SerialHandles(write: nil, notify: 0x12, configuration: 0x13)
    var pair = Pair(.shunt(mtu: 23), remembered: shunt, seeking: [Self.line, Self.pushed])
    pair.listen()
    #expect(pair.outcomes == [.found(try #require(shunt)), .subscribed] && pair.client.line == Self.pushed)
    #expect(pair.peripheral.asked.count == 3)
    var other = Pair(.renogy(mtu: 23), remembered: SerialHandles(write: nil, notify: 0x22, configuration: 0x23))
    other.listen()
    #expect(other.outcomes == [.found(try #require(Self.here)), .subscribed])
    var neither = Pair(.shunt(mtu: 23), remembered: shunt)
    neither.listen()
    #expect(neither.outcomes == [.failed(.noSerialLine([Self.line]))])
  }

  @Test func `of several characteristics of one type the one that can do it is taken`() throws {
    func attribute(_ handle: UInt16, _ type: AttributeType, _ value: [UInt8] = []) -> Peripheral.Attribute {
      Peripheral.Attribute(handle: handle, type: type, value: value)
    }
    var pair = Pair(
      Peripheral(
        [
          attribute(1, .primaryService, [0xd0, 0xff]), attribute(2, .characteristic, [0x02, 3, 0, 0xd1, 0xff]),
          attribute(3, .init(0xffd1)), attribute(4, .characteristic, [0x04, 5, 0, 0xd1, 0xff]), attribute(5, .init(0xffd1)),
          attribute(0x10, .primaryService, [0xf0, 0xff]), attribute(0x11, .characteristic, [0x02, 0x12, 0, 0xf1, 0xff]),
          attribute(0x12, .init(0xfff1)), attribute(0x13, .characteristic, [0x12, 0x14, 0, 0xf1, 0xff]),
          attribute(0x14, .init(0xfff1)), attribute(0x15, .configuration, [0, 0]),
        ], mtu: 23))
    pair.listen()
    #expect(pair.outcomes == [.found(try #require(SerialHandles(write: 5, notify: 0x14, configuration: 0x15))), .subscribed])
  }

  // MARK: - Its name

  @Test func `a module's name is asked for between finding and listening`() throws {
    var pair = Pair(.shunt(mtu: 23), seeking: [Self.pushed])
    pair.start()
    pair.carry(pair.client.askName())
    pair.carry(pair.client.subscribe())
    #expect(pair.outcomes.dropFirst() == [.named(Array("RTMShunt300".utf8)), .subscribed])
  }

  @Test(arguments: ["01 08 01 00 0a", "09 0d 41 00 52", "1b 22 00 41"])
  func `a module may have no name, answer badly, or speak meanwhile`(answer: String) throws {
    var pair = Pair(.renogy(mtu: 23))
    pair.start()
    _ = pair.client.askName()
    pair.hear(answer)
    switch answer.prefix(2) {
    case "01":
      #expect(pair.outcomes.last == .named(nil))
      pair.carry(pair.client.subscribe())
      #expect(pair.outcomes.last == .subscribed)
    case "09":
      guard case .failed(.malformed) = pair.outcomes.last else {
        Issue.record("\(pair.outcomes)")
        return
      }
    default:
      // Nobody listens yet: it is lost, and the name still comes.
      #expect(pair.outcomes.count == 1)
      pair.hear("01 08 01 00 0a")
      #expect(pair.outcomes.last == .named(nil))
    }
  }

  @Test(arguments: ["02", "05", "08", "0a", "0c", "0e", "0f"])
  func `a name that is refused is none, also where pairing is wanted, and the line is listened to all the same`(code: String) {
    var pair = Pair(.renogy(mtu: 23))
    pair.start()
    _ = pair.client.askName()
    pair.hear("01 08 01 00 \(code)")
    pair.carry(pair.client.subscribe())
    #expect(pair.outcomes.dropFirst() == [.named(nil), .subscribed])
  }

  @Test func `a name that fills its packet is taken as it is, and one byte more is given up`() {
    for (count, outcome) in [
      (19, Client.Outcome.named([UInt8](repeating: 0x41, count: 19))), (20, .failed(.tooLong(24, mtu: 23))),
    ] {
      var pair = Pair(.renogy(mtu: 23))
      pair.start()
      _ = pair.client.askName()
      pair.carry(pair.client.receive([0x09, UInt8(count + 2), 3, 0] + [UInt8](repeating: 0x41, count: count)))
      #expect(pair.outcomes.last == outcome)
    }
  }

  @Test func `a name is asked for only where a line was found`() {
    var pair = Pair(.renogy(mtu: 23))
    #expect(pair.client.askName() == Client.Step())
    pair.listen()
    #expect(pair.client.askName() == Client.Step())
  }

  @Test func `remembered handles cost two questions`() throws {
    var pair = Pair(.renogy(), remembered: Self.here)
    pair.start()
    #expect(pair.outcomes == [.found(try #require(Self.here))])
    #expect(pair.peripheral.asked == [.mtuRequest(517), .findInformation(0x22...0x23), .findInformation(0x12...0x12)])
  }

  @Test(
    arguments: [
      (0x12, 0x22, 0x24), (0x12, 0x16, 0x17), (0x13, 0x22, 0x23), (0x32, 0x22, 0x23), (0x12, 0x32, 0x33), (0x12, 0x22, 0x33),
      (0x200, 0x22, 0x23), (0x12, 0x200, 0x201), (0x12, 0xfffe, 0xffff),
    ] as [(UInt16, UInt16, UInt16)])
  func `wrong handles cost a discovery, never a wrong write`(write: UInt16, notify: UInt16, configuration: UInt16) throws {
    let wrong = try #require(SerialHandles(write: write, notify: notify, configuration: configuration))
    var pair = Pair(.renogy(), remembered: wrong)
    pair.listen()
    #expect(pair.outcomes == [.found(try #require(Self.here)), .subscribed])
    #expect(pair.peripheral.writes.map(\.handle) == [0x23])
  }

  @Test func `a table that moved is found where it went`() throws {
    var pair = Pair(.renogy(shift: 0x40), remembered: Self.here)
    pair.listen()
    #expect(pair.outcomes == [.found(try #require(SerialHandles(write: 0x52, notify: 0x62, configuration: 0x63))), .subscribed])
    #expect(pair.peripheral.writes.map(\.handle) == [0x63])
  }

  @Test(arguments: [(0, 1, 2), (1, 0, 2), (1, 3, 3), (1, 3, 2), (4, 3, 5), (3, 3, 5), (5, 3, 5)] as [(UInt16, UInt16, UInt16)])
  func `three handles that are no serial line are none`(write: UInt16, notify: UInt16, configuration: UInt16) {
    #expect(SerialHandles(write: write, notify: notify, configuration: configuration) == nil)
  }

  @Test func `the same short UUID in another service is not the serial line`() throws {
    var peripheral = Peripheral.renogy()
    // ffd1 and fff1 change places with strangers of the same name in the generic service.
    peripheral.attributes.removeAll { (0x10...0x13).contains($0.handle) }
    peripheral.attributes += [
      .init(handle: 5, type: .characteristic, value: [0x0e, 6, 0, 0xd1, 0xff]), .init(handle: 6, type: .init(0xffd1)),
    ]
    var pair = Pair(Peripheral(peripheral.attributes))
    pair.listen()
    #expect(pair.outcomes == [.failed(.noSerialLine([ClientTests.line]))])
    #expect(pair.peripheral.writes.isEmpty)
  }

  @Test func `the descriptor of the next characteristic is not this one's`() {
    var peripheral = Peripheral.renogy()
    peripheral.attributes.removeAll { $0.handle == 0x23 || $0.handle == 0x24 }
    peripheral.attributes.append(.init(handle: 0x27, type: .configuration))
    var pair = Pair(Peripheral(peripheral.attributes))
    pair.start()
    #expect(pair.outcomes == [.failed(.noConfiguration)])
  }

  @Test func `a stranger has no serial line`() {
    var pair = Pair(Peripheral([.init(handle: 1, type: .primaryService, value: [0x0a, 0x18])]))
    pair.start()
    #expect(pair.outcomes == [.failed(.noSerialLine([ClientTests.line]))])
  }

  // MARK: - A peer with a mind of its own

  @Test func `a peer that knows no MTU exchange is spoken to in the smallest`() {
    var client = Client(seeking: [Self.line])
    #expect(client.start().packets == [bytes("02 05 02")])
    #expect(client.receive(bytes("01 02 00 00 06")).packets == [bytes("10 01 00 ff ff 00 28")])
    // It may have agreed on a larger size with somebody before, and not agree twice.
    #expect(client.receive([0x1b] + [UInt8](repeating: 0, count: 516)).outcomes == [])
    #expect(client.receive([UInt8](repeating: 0x1b, count: 518)).outcomes == [.failed(.tooLong(518, mtu: 517))])
  }

  @Test func `a peer that asks first is answered, and its stray answer breaks nothing`() throws {
    var pair = Pair(.renogy(mtu: 100))
    let first = pair.client.start()
    pair.hear("02 64 00")
    pair.carry(first)
    pair.hear("03 17 00")
    pair.hear("09 07 11 00 0e 12 00 d1 ff")
    pair.hear("13")
    pair.carry(pair.client.subscribe())
    #expect(pair.outcomes == [.found(try #require(Self.here)), .subscribed])
    #expect(pair.answers == [.mtuResponse(517)])
  }

  @Test func `a stray answer in the midst of discovery breaks nothing`() throws {
    var client = Client(seeking: [Self.line])
    var peripheral = Peripheral.renogy()
    var step = client.start()
    while let packet = step.packets.first {
      if packet[0] != 0x02 { #expect(client.receive(bytes("03 17 00")) == Client.Step()) }
      step = client.receive(peripheral.answer(packet)[0])
    }
    #expect(step.outcomes == [.found(try #require(Self.here))])
  }

  @Test(arguments: [
    ("04 01 00 ff ff", "01 04 00 00 06"), ("08 01 00 ff ff 03 28", "01 08 00 00 06"), ("10 01 00 ff ff 00 28", "01 10 00 00 06"),
    ("12 03 00 01", "01 12 00 00 06"), ("0a 03 00", "01 0a 00 00 06"), ("18 01", "01 18 00 00 06"), ("3f", "01 3f 00 00 06"),
    ("1d 03 00 01 00", "1e"), ("02 17 00", "03 05 02"),
  ])
  func `what a peer asks is answered, whatever it is`(question: String, answer: String) {
    var pair = Pair(.renogy())
    pair.listen()
    #expect(pair.client.receive(bytes(question)) == Client.Step(packets: [bytes(answer)]))
  }

  @Test(arguments: [
    "52 03 00 01", "1e", "d2 03 00 01", "0b 01", "07 01", "03 17 00", "13", "01 12 23 00 05", "1b 03 00 01", "7f",
  ])
  func `what is no question is not answered`(packet: String) {
    var pair = Pair(.renogy())
    pair.listen()
    #expect(pair.client.receive(bytes(packet)) == Client.Step())
  }

  @Test func `a peer that only babbles is given up`() {
    var pair = Pair(.renogy())
    pair.listen()
    pair.outcomes = []
    for _ in 0..<64 { pair.hear("03 17 00") }
    #expect(pair.outcomes.isEmpty)
    pair.hear("03 17 00")
    #expect(pair.outcomes == [.failed(.tooManyStrays(65))])
    pair.hear("1b 22 00 01")
    #expect(pair.outcomes.count == 1)
  }

  @Test(arguments: [
    ("11 06 10 00 0f 00 d0 ff", Trouble.backwards("services", 0x10)), ("11 06 00 00 0f 00 d0 ff", .backwards("services", 0)),
    ("11 06 10 00 1f 00 d0 ff 1f 00 2f 00 f0 ff", .backwards("services", 0x1f)),
    ("11 07 10 00 1f 00 d0 ff 00", .strange("service", 0x10)),
    ("11 06 10 00 1f", .malformed(.items(opcode: 0x11, each: 6, bytes: 3))), ("01 10 01 00 05", .wantsPairing(.init(5))),
    ("01 10 01 00 08", .wantsPairing(.init(8))), ("01 10 01 00 0c", .wantsPairing(.init(12))),
    ("01 10 01 00 0f", .wantsPairing(.init(15))),
    ("01 10 01 00 0e", .refused("listing its services", .unlikely)), ("01 10 01 00 0a", .noSerialLine([ClientTests.line])),
  ])
  func `a listing of services that is none has a name`(answer: String, trouble: Trouble) {
    var client = Client(seeking: [Self.line])
    _ = client.start()
    _ = client.receive(bytes("03 17 00"))
    #expect(client.receive(bytes(answer)).outcomes == [.failed(trouble)])
  }

  @Test(arguments: [
    ("09 07 0f 00 0e 12 00 d1 ff", Trouble.backwards("characteristics", 0x0f)),
    ("09 07 11 00 0e 11 00 d1 ff", .backwards("characteristics", 0x11)),
    ("09 07 11 00 0e 20 00 d1 ff", .backwards("characteristics", 0x11)),
    ("09 07 11 00 0e 12 00 d1 ff 12 00 0e 13 00 d1 ff", .backwards("characteristics", 0x12)),
    ("09 08 11 00 0e 12 00 d1 ff 00", .strange("characteristic", 0x11)), ("09 04 11 00 0e 12", .strange("characteristic", 0x11)),
    ("01 08 10 00 0f", .wantsPairing(.init(15))), ("01 08 10 00 01", .refused("listing its characteristics", .invalidHandle)),
    ("01 08 10 00 0a", .noSerialLine([ClientTests.line])),
  ])
  func `a listing of characteristics that is none has a name`(answer: String, trouble: Trouble) {
    var client = Client(seeking: [Self.line])
    _ = client.start()
    _ = client.receive(bytes("03 17 00"))
    _ = client.receive(bytes("11 06 10 00 1f 00 d0 ff"))
    #expect(client.receive(bytes("01 10 20 00 0a")).packets == [bytes("08 10 00 1f 00 03 28")])
    #expect(client.receive(bytes(answer)).outcomes == [.failed(trouble)])
  }

  @Test(arguments: [
    ("05 01 22 00 01 29", Trouble.backwards("descriptors", 0x22)), ("05 01 30 00 02 29", .backwards("descriptors", 0x30)),
    ("01 04 23 00 0a", .noConfiguration), ("01 04 23 00 0c", .wantsPairing(.init(12))),
    ("01 04 23 00 0e", .refused("listing its descriptors", .unlikely)), ("05 01 2f 00 01 29", .noConfiguration),
  ])
  func `a listing of descriptors that is none has a name`(answer: String, trouble: Trouble) {
    var client = Client(seeking: [Self.line])
    _ = client.start()
    for packet in [
      "03 17 00", "11 06 10 00 1f 00 d0 ff 20 00 2f 00 f0 ff", "01 10 30 00 0a", "09 07 11 00 0e 12 00 d1 ff", "01 08 13 00 0a",
      "09 07 21 00 12 22 00 f1 ff",
    ] { _ = client.receive(bytes(packet)) }
    #expect(client.receive(bytes("01 08 23 00 0a")).packets == [bytes("04 23 00 2f 00")])
    #expect(client.receive(bytes(answer)).outcomes == [.failed(trouble)])
  }

  @Test func `a peer that lists without end is given up`() {
    var client = Client(seeking: [Self.line])
    var step = client.start()
    step = client.receive(bytes("03 17 00"))
    for handle in UInt8(1)...200 where step.outcomes.isEmpty {
      step = client.receive([0x11, 6, handle, 0, handle, 0, 0x0a, 0x18])
    }
    #expect(step.outcomes == [.failed(.tooMany("services", 64))])
  }

  @Test(
    arguments: [(5, true), (8, true), (0x0c, true), (0x0f, true), (3, false), (0x0e, false), (0xfd, false)] as [(UInt8, Bool)])
  func `a refused subscription wants pairing or is refused`(code: UInt8, pairing: Bool) {
    var pair = Pair(.renogy())
    pair.start()
    let asked = pair.client.subscribe()
    #expect(asked.packets == [bytes("12 23 00 01 00")])
    let outcome = pair.client.receive([0x01, 0x12, 0x23, 0, code]).outcomes
    #expect(outcome == [.failed(pairing ? .wantsPairing(.init(code)) : .refused("its notifications", .init(code)))])
  }

  @Test func `a frame is not sent before its answer could be heard, nor one that fits no packet`() {
    var pair = Pair(.renogy())
    #expect(throws: Trouble.notListening) { try pair.client.packet(carrying: [1]) }
    pair.listen()
    #expect(throws: Trouble.frameTooLong(21, mtu: 23)) { try pair.client.packet(carrying: [UInt8](repeating: 0, count: 21)) }
  }

  @Test func `whatever a peer sends, only the serial line is ever written to`() throws {
    var dice = Dice(seed: 2)
    var heard = 0
    var listened = 0
    while heard < Dice.throwCount {
      var peripheral = Peripheral.renogy(mtu: UInt16(dice.roll(0...600)))
      let wild = dice.roll(1...40)
      var client = Client(seeking: [Self.line], remembered: dice.roll(0...1) == 0 ? Self.here : nil)
      var packets = client.start().packets
      for _ in 0..<300 {
        let answers = packets.flatMap { peripheral.answer($0) }
        packets = []
        var incoming = answers.map { dice.roll(0...wild) == 0 ? dice.mutated($0) : $0 }
        if dice.roll(0...wild) == 0 || incoming.isEmpty { incoming.append(dice.packet()) }
        var ended = false
        for packet in incoming {
          heard += 1
          let step = client.receive(packet)
          packets += step.packets
          for outcome in step.outcomes {
            switch outcome {
            case .found: packets += (dice.roll(0...1) == 0 ? client.subscribe() : client.askName()).packets
            case .named: packets += client.subscribe().packets
            case .subscribed: listened += 1
            case .chunk: break
            case .failed(let trouble):
              ended = true
              let address = try #require(Address("D8:B6:73:BF:4F:75"))
              #expect(!trouble.report(at: .services, about: address).message.isEmpty)
            }
          }
        }
        for packet in packets {
          let pdu = try PDU(packet)
          switch pdu {
          case .mtuRequest, .mtuResponse, .findInformation, .readByType, .readByGroupType, .error, .confirmation: break
          // A mutated answer may lie about handles; what is written is the enabling of notifications and nothing else.
          case .writeRequest(_, let value): #expect(value == [1, 0])
          default: Issue.record("the client said \(pdu)")
          }
        }
        if ended { break }
      }
    }
    #expect(listened > 100)
  }
}
