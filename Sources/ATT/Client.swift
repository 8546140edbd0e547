package import Readings

/// One module's attribute client, as a value: packets go in, packets and outcomes come out. It has no socket and no clock; whoever
/// carries it gives every exchange its deadline.
///
/// The order is `start`, outcome `found`, `subscribe`, outcome `subscribed`, then frames out and chunks in. One request is in flight
/// at a time, as the protocol demands. After the outcome `failed` nothing is said or heard any more.
package struct Client: Sendable {
  /// What is looked for, by full UUIDs: the short ones of 16 bits may be had by another service, too.
  package struct SerialLine: Equatable, Sendable {
    /// `nil`: nothing is written.
    package var writeService: AttributeType?
    package var write: AttributeType?
    package var notifyService: AttributeType
    package var notify: AttributeType

    package init(writeService: AttributeType?, write: AttributeType?, notifyService: AttributeType, notify: AttributeType) {
      self.writeService = writeService
      self.write = write
      self.notifyService = notifyService
      self.notify = notify
    }
  }

  package enum Outcome: Equatable, Sendable {
    /// What the module calls itself, as it is in its table; `nil`: it does not say.
    case named([UInt8]?)
    /// The serial line's handles, discovered or found again where they were remembered.
    case found(SerialHandles)
    case subscribed
    /// What one notification of the serial line carried.
    case chunk([UInt8])
    case failed(Trouble)
  }

  /// What follows from one event.
  package struct Step: Equatable, Sendable {
    /// To be sent, in this order.
    package var packets: [[UInt8]] = []
    package var outcomes: [Outcome] = []
  }

  /// What we can take in one packet: the most that an attribute's longest value (512 bytes) needs.
  package static let mtu: UInt16 = 517
  /// Before an exchange says otherwise.
  package static let smallestMTU: UInt16 = 23
  /// Packets that answer nothing of ours: a peer's own questions, late answers, notifications that nobody asked for. A peer that
  /// discovers us in turn sends a handful.
  package static let mostStrays = 64
  /// Requests of one discovery. A BT-2 needs about ten at the smallest MTU.
  package static let mostRounds = 128
  package static let mostServices = 64
  package static let mostCharacteristics = 128

  private enum State: Equatable {
    case idle
    case exchangingMTU
    case verifyingNotify(SerialHandles)
    case verifyingWrite(SerialHandles)
    case listingServices(from: UInt16)
    /// `service`: which of the wanted ones.
    case listingCharacteristics(service: Int, from: UInt16)
    case listingDescriptors(from: UInt16)
    case found(SerialHandles)
    case naming(SerialHandles)
    case subscribing(SerialHandles)
    case listening(SerialHandles)
    case failed
  }

  private struct Service: Equatable {
    var range: ClosedRange<UInt16>
    var type: AttributeType
  }

  private struct Characteristic: Equatable {
    var declaration: UInt16
    var value: UInt16
    var type: AttributeType
    /// Bits: 04 and 08 writable, 10 and 20 notifies.
    var properties: UInt8
    /// The last handle that can be its own.
    var end: UInt16
  }

  private let lines: [SerialLine]
  /// Which of them is there.
  package private(set) var line: SerialLine?
  private let remembered: SerialHandles?
  private var state = State.idle
  /// The opcode of the request that is not answered yet.
  private var asked: UInt8?
  private var mtu = Client.smallestMTU
  /// The longest packet that is taken. On a link that was another's before (the kernel keeps one for two seconds) a larger size may
  /// have been agreed on already, and a peer need not agree twice: until it does, it may keep to what we would take.
  private var longest = Client.mtu
  private var strays = 0
  private var rounds = 0
  private var services: [Service] = []
  /// Of the service that is being listed.
  private var characteristics: [Characteristic] = []
  /// Of all that were, and in which service each is.
  private var listed: [(service: AttributeType, characteristic: Characteristic)] = []
  private var serviceCount = 0
  private var characteristicCount = 0
  private var write: Characteristic?
  private var notify: Characteristic?

  /// - Parameter lines: the first of them that is there is taken.
  package init(seeking lines: [SerialLine], remembered: SerialHandles? = nil) {
    self.lines = lines
    self.remembered = remembered
  }

  // MARK: - What is asked of it

  /// Once, first: the link is up.
  package mutating func start() -> Step {
    guard state == .idle else { return Step() }
    state = .exchangingMTU
    return ask(.mtuRequest(Self.mtu))
  }

  /// Asks what the module calls itself, once the serial line is found.
  package mutating func askName() -> Step {
    guard case .found(let handles) = state else { return Step() }
    state = .naming(handles)
    return ask(.readByType(1...0xffff, .deviceName))
  }

  /// Asks for notifications, once the serial line is found.
  package mutating func subscribe() -> Step {
    guard case .found(let handles) = state else { return Step() }
    state = .subscribing(handles)
    return ask(.writeRequest(handle: handles.configuration, value: [1, 0]))
  }

  /// The packet that carries a frame to the module.
  package func packet(carrying frame: [UInt8]) throws(Trouble) -> [UInt8] {
    guard case .listening(let handles) = state else { throw .notListening }
    guard frame.count <= Int(mtu) - 3 else { throw .frameTooLong(frame.count, mtu: mtu) }
    guard let write = handles.write else { throw .listenedToOnly }
    return PDU.writeCommand(handle: write, value: frame).packet
  }

  package mutating func receive(_ packet: [UInt8]) -> Step {
    guard state != .failed else { return Step() }
    guard packet.count <= Int(longest) else { return fail(.tooLong(packet.count, mtu: longest)) }
    let pdu: PDU
    do { pdu = try PDU(packet) } catch { return fail(.malformed(error)) }
    switch pdu {
    case .notification(let handle, let value):
      guard case .listening(let handles) = state, handle == handles.notify else { return stray() }
      return Step(outcomes: [.chunk(value)])
    case .indication: return stray(answering: .confirmation)
    case .mtuRequest(let theirs):
      agree(on: theirs)
      return stray(answering: .mtuResponse(Self.mtu))
    case .findInformation, .readByType, .readByGroupType, .writeRequest: return refuse(pdu.opcode)
    case .writeCommand, .confirmation: return stray()
    case .unknown(let opcode, _):
      // Commands (bit 6) are not answered, and responses are no questions; all else is a request that this end does not know.
      return opcode & 0x40 != 0 || Self.responses.contains(opcode) ? stray() : refuse(opcode)
    case .error(let request, _, let code): return request == asked ? refused(code) : stray()
    case .mtuResponse, .information, .byType, .byGroupType, .writeResponse:
      guard let asked, pdu.opcode == asked + 1 else { return stray() }
      self.asked = nil
      return answered(pdu)
    }
  }

  /// Find By Type Value, Read, Read Blob, Read Multiple, Prepare Write, Execute Write, Read Multiple Variable: their responses.
  private static let responses: Set<UInt8> = [0x07, 0x0b, 0x0d, 0x0f, 0x17, 0x19, 0x21]

  // MARK: - What belongs to nothing

  private mutating func refuse(_ opcode: UInt8) -> Step {
    stray(answering: .error(request: opcode, handle: 0, code: .requestNotSupported))
  }

  private mutating func stray(answering answer: PDU? = nil) -> Step {
    strays += 1
    guard strays <= Self.mostStrays else { return fail(.tooManyStrays(strays)) }
    return Step(packets: answer.map { [$0.packet] } ?? [])
  }

  private mutating func fail(_ trouble: Trouble) -> Step {
    state = .failed
    return Step(outcomes: [.failed(trouble)])
  }

  /// The smaller of both ends' is agreed on, whoever asked.
  private mutating func agree(on theirs: UInt16) { mtu = min(Self.mtu, max(Self.smallestMTU, theirs)) }

  // MARK: - Questions and answers

  private mutating func ask(_ question: PDU) -> Step {
    rounds += 1
    guard rounds <= Self.mostRounds else { return fail(.tooMany("requests", Self.mostRounds)) }
    asked = question.opcode
    return Step(packets: [question.packet])
  }

  private mutating func answered(_ pdu: PDU) -> Step {
    switch (state, pdu) {
    case (.exchangingMTU, .mtuResponse(let theirs)):
      agree(on: theirs)
      longest = mtu
      return look()
    case (.verifyingNotify(let handles), .information(let items)):
      line = lines.first { carries(items, handles, $0) }
      return line == nil ? discover() : verifyWrite(handles)
    case (.verifyingWrite(let handles), .information(let items)):
      guard let write = handles.write, let type = line?.write else { return discover() }
      return items == [.init(handle: write, type: type)] ? found(handles) : discover()
    case (.listingServices(let from), .byGroupType(let groups)): return take(groups, from: from)
    case (.listingCharacteristics(let service, let from), .byType(let items)): return take(items, of: service, from: from)
    case (.listingDescriptors(let from), .information(let items)): return take(items, from: from)
    case (.naming(let handles), .byType(let items)):
      state = .found(handles)
      return Step(outcomes: [.named(items.first?.value)])
    case (.subscribing(let handles), .writeResponse):
      state = .listening(handles)
      return Step(outcomes: [.subscribed])
    default: return stray()
    }
  }

  /// The request in flight was refused.
  private mutating func refused(_ code: ErrorCode) -> Step {
    asked = nil
    // A name is not worth a pairing, whatever the reason why it is not told.
    if case .naming(let handles) = state {
      state = .found(handles)
      return Step(outcomes: [.named(nil)])
    }
    if code.wantsPairing { return fail(.wantsPairing(code)) }
    switch state {
    case .exchangingMTU: return look()  // an old stack that knows the smallest only
    case .verifyingNotify, .verifyingWrite: return discover()
    case .listingServices where code == .attributeNotFound: return servicesListed()
    case .listingCharacteristics(let service, _) where code == .attributeNotFound: return characteristicsListed(of: service)
    case .listingDescriptors where code == .attributeNotFound: return fail(.noConfiguration)
    case .listingServices: return fail(.refused("listing its services", code))
    case .listingCharacteristics: return fail(.refused("listing its characteristics", code))
    case .listingDescriptors: return fail(.refused("listing its descriptors", code))
    case .subscribing: return fail(.refused("its notifications", code))
    case .idle, .found, .naming, .listening, .failed: return stray()
    }
  }

  private mutating func look() -> Step {
    guard let remembered, remembered.configuration - remembered.notify <= Self.farthestConfiguration else { return discover() }
    state = .verifyingNotify(remembered)
    return ask(.findInformation(remembered.notify...remembered.configuration))
  }

  // MARK: - Handles remembered

  // Two questions by Find Information: the types of the attributes from the notifying value to its descriptor, and the type of the
  // value that frames are written to. That is the cheapest that is safe. One Read By Type 0x2803 over both declarations would not
  // do: at an MTU of 23 it tells three short characteristics at most, one where a long UUID is among them, and it never shows the
  // descriptor, which is what is written first. The answer names every attribute of the asked range with its full type, so the trap
  // (f000ffd1-...) cannot pass for ffd1, nor the descriptor of another characteristic for this one's: a declaration would stand
  // between. Which service a value is in was seen when the handles were discovered; a table that changed since has, for all three
  // handles to hold the same types still, to have them in the same places.

  /// A descriptor further behind its value does not fit one answer at the smallest MTU (five short types).
  private static let farthestConfiguration: UInt16 = 4

  /// Whether the attributes are the notifying value first, its descriptor last, and nothing between that begins something else.
  private func carries(_ items: [PDU.Information], _ handles: SerialHandles, _ line: SerialLine) -> Bool {
    (handles.write == nil) == (line.write == nil)
      && items.first == .init(handle: handles.notify, type: line.notify)
      && items.last == .init(handle: handles.configuration, type: .configuration)
      && zip(items, items.dropFirst()).allSatisfy { $0.handle < $1.handle }
      && !items.contains { [.primaryService, .secondaryService, .characteristic].contains($0.type) }
  }

  private mutating func verifyWrite(_ handles: SerialHandles) -> Step {
    guard let write = handles.write else { return found(handles) }
    state = .verifyingWrite(handles)
    return ask(.findInformation(write...write))
  }

  // MARK: - Discovery

  private mutating func discover() -> Step {
    line = nil
    state = .listingServices(from: 1)
    return ask(.readByGroupType(1...0xffff, .primaryService))
  }

  private mutating func take(_ groups: [PDU.Group], from: UInt16) -> Step {
    var next = UInt32(from)
    for group in groups {
      guard UInt32(group.handle) >= next, group.end >= group.handle else { return fail(.backwards("services", group.handle)) }
      guard let type = AttributeType(wire: group.value) else { return fail(.strange("service", group.handle)) }
      serviceCount += 1
      guard serviceCount <= Self.mostServices else { return fail(.tooMany("services", Self.mostServices)) }
      if lines.contains(where: { type == $0.writeService || type == $0.notifyService }) {
        services.append(Service(range: group.handle...group.end, type: type))
      }
      next = UInt32(group.end) + 1
    }
    guard let from = UInt16(exactly: next) else { return servicesListed() }
    state = .listingServices(from: from)
    return ask(.readByGroupType(from...0xffff, .primaryService))
  }

  private mutating func servicesListed() -> Step { list(service: 0) }

  /// Lists the characteristics of a wanted service, the first or the next; after the last one looks at what was found.
  private mutating func list(service: Int) -> Step {
    characteristics = []
    guard service < services.count else { return characteristicsKnown() }
    let range = services[service].range
    state = .listingCharacteristics(service: service, from: range.lowerBound)
    return ask(.readByType(range, .characteristic))
  }

  private mutating func take(_ items: [PDU.Attribute], of service: Int, from: UInt16) -> Step {
    let range = services[service].range
    var next = UInt32(from)
    for item in items {
      // Properties (1 byte), the value's handle (2), the UUID (2 or 16).
      guard item.value.count >= 3, let type = AttributeType(wire: item.value.dropFirst(3)) else {
        return fail(.strange("characteristic", item.handle))
      }
      let value = item.value.word(at: 1)
      guard UInt32(item.handle) >= next, value > item.handle, value <= range.upperBound else {
        return fail(.backwards("characteristics", item.handle))
      }
      characteristicCount += 1
      guard characteristicCount <= Self.mostCharacteristics else {
        return fail(.tooMany("characteristics", Self.mostCharacteristics))
      }
      if !characteristics.isEmpty { characteristics[characteristics.count - 1].end = item.handle - 1 }
      characteristics.append(
        Characteristic(
          declaration: item.handle, value: value, type: type, properties: item.value.first ?? 0, end: range.upperBound))
      next = UInt32(value) + 1
    }
    guard let from = UInt16(exactly: next), from <= range.upperBound else { return characteristicsListed(of: service) }
    state = .listingCharacteristics(service: service, from: from)
    return ask(.readByType(from...range.upperBound, .characteristic))
  }

  private mutating func characteristicsListed(of service: Int) -> Step {
    let type = services[service].type
    listed += characteristics.map { (type, $0) }
    return list(service: service + 1)
  }

  private mutating func characteristicsKnown() -> Step {
    // Some batteries have several of one type: the one that can do what is wanted of it, where one says so.
    func find(_ type: AttributeType?, in service: AttributeType?, that able: UInt8) -> Characteristic? {
      let found = listed.filter { $0.service == service && $0.characteristic.type == type }.map(\.characteristic)
      return found.first { $0.properties & able != 0 } ?? found.first
    }
    line = lines.first { line in
      write = find(line.write, in: line.writeService, that: 0x0c)
      notify = find(line.notify, in: line.notifyService, that: 0x30)
      return notify != nil && (write != nil || line.write == nil)
    }
    guard line != nil, let notify else { return fail(.noSerialLine(lines)) }
    guard notify.value < notify.end else { return fail(.noConfiguration) }
    state = .listingDescriptors(from: notify.value + 1)
    return ask(.findInformation(notify.value + 1...notify.end))
  }

  private mutating func take(_ items: [PDU.Information], from: UInt16) -> Step {
    guard let notify else { return fail(.noSerialLine(lines)) }
    var next = UInt32(from)
    for item in items {
      guard UInt32(item.handle) >= next, item.handle <= notify.end else { return fail(.backwards("descriptors", item.handle)) }
      if item.type == .configuration {
        guard let handles = SerialHandles(write: write?.value, notify: notify.value, configuration: item.handle) else {
          return fail(.backwards("descriptors", item.handle))
        }
        return found(handles)
      }
      next = UInt32(item.handle) + 1
    }
    guard let from = UInt16(exactly: next), from <= notify.end else { return fail(.noConfiguration) }
    state = .listingDescriptors(from: from)
    return ask(.findInformation(from...notify.end))
  }

  private mutating func found(_ handles: SerialHandles) -> Step {
    state = .found(handles)
    return Step(outcomes: [.found(handles)])
  }
}
