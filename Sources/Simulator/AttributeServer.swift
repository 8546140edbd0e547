/// A module's attribute server over its GATT table: one packet in, the answer out. What a packet means to the module comes beside it.
///
/// Written from the specification and not from the worker's own codec: a mistake in one of the two must not be agreed to by the other.
struct AttributeServer: Equatable, Sendable {
  /// What the packet asks of the module itself.
  enum Meaning: Equatable, Sendable {
    case nothing
    /// Bytes for the serial line.
    case frame([UInt8])
    /// Notifications of what the module says on or off; the answer is the module's to give.
    case notifying(Bool)
  }

  private struct Attribute: Equatable {
    let handle: Int
    let type: [UInt8]
    let value: [UInt8]
    /// The last handle of the service that it declares.
    var end = 0
  }

  private let attributes: [Attribute]
  private let writeHandle: Int?
  private let notifyHandle: Int?
  private let configurationHandle: Int?
  /// The module's own.
  private let mtu: Int
  private(set) var agreed = 23
  /// Whether the packet size was asked for, and whether anything was after it.
  private var exchanged = false
  private var explored = false

  /// - Parameter name: what the module calls itself.
  init(_ bluetoothd: GattTable, mtu: Int, name: [UInt8]) {
    let table = bluetoothd.withGenericAccess
    self.mtu = mtu
    var attributes: [Attribute] = []
    let starts = table.services.map { Int($0.handle) }.sorted()
    for service in table.services {
      let end = starts.first { $0 > Int(service.handle) }.map { $0 - 1 } ?? 0xffff
      attributes.append(
        Attribute(handle: Int(service.handle), type: [0x00, 0x28], value: Self.wire(service.uuid), end: end))
    }
    for characteristic in table.characteristics {
      let (handle, uuid) = (Int(characteristic.handle), Self.wire(characteristic.uuid))
      let value = [Self.properties(characteristic.flags)] + Self.word(handle + 1) + uuid
      attributes.append(Attribute(handle: handle, type: [0x03, 0x28], value: value))
      let isName = characteristic.uuid == GattTable.deviceName
      attributes.append(Attribute(handle: handle + 1, type: uuid, value: isName ? name : [0]))
      if let configuration = characteristic.configuration {
        attributes.append(Attribute(handle: Int(configuration), type: [0x02, 0x29], value: [0, 0]))
      }
    }
    self.attributes = attributes.sorted { $0.handle < $1.handle }
    writeHandle = table.characteristics.first { $0.uuid == GattTable.write }.map { Int($0.handle) + 1 }
    let notify = table.talking
    notifyHandle = notify.map { Int($0.handle) + 1 }
    configurationHandle = notify?.configuration.map { Int($0) }
  }

  mutating func take(_ packet: [UInt8]) -> (answer: [UInt8]?, meaning: Meaning) {
    let opcode = packet.first ?? 0
    let (first, second) = (Self.number(packet, 1), Self.number(packet, 3))
    switch (opcode, packet.count) {
    case (0x02, 3):
      agreed = max(23, min(mtu, first))
      exchanged = true
      return ([0x03] + Self.word(mtu), .nothing)
    case (0x04, 5), (0x08, 7), (0x08, 21), (0x10, 7), (0x10, 21):
      guard first > 0, second >= first else { return (refusal(opcode, first, 0x01), .nothing) }
      return (list(opcode, first...second, type: Array(packet.dropFirst(5))), .nothing)
    case (0x0a, 3):
      guard let found = attributes.first(where: { $0.handle == first }) else { return (refusal(0x0a, first, 0x01), .nothing) }
      return ([0x0b] + found.value.prefix(agreed - 1), .nothing)
    case (0x12, 3...):
      guard attributes.contains(where: { $0.handle == first }) else { return (refusal(0x12, first, 0x01), .nothing) }
      let value = Array(packet.dropFirst(3))
      if first == writeHandle { return ([0x13], .frame(value)) }
      guard first == configurationHandle else { return (refusal(0x12, first, 0x03), .nothing) }
      guard value.count == 2 else { return (refusal(0x12, first, 0x0d), .nothing) }
      return ([0x13], .notifying(value[0] & 1 == 1))
    case (0x52, 3...): return (nil, first == writeHandle ? .frame(Array(packet.dropFirst(3))) : .nothing)
    // Confirmations, commands, and what only a server says.
    case (0x1e, _), (0x01, _), (0x03, _), (0x1b, _), (0x40..., _): return (nil, .nothing)
    case (_, ...0): return (nil, .nothing)
    default: return (refusal(opcode, 0, [0x02, 0x04, 0x08, 0x0a, 0x10, 0x12].contains(opcode) ? 0x04 : 0x06), .nothing)
    }
  }

  /// The refusal of the subscription that is asked for.
  func refusedSubscription(_ code: UInt8) -> [UInt8] { refusal(0x12, configurationHandle ?? 0, code) }

  /// Whether the packet, which is about to be answered, is the first after the exchange of packet sizes. It is once.
  mutating func beginsExploring(_ packet: [UInt8]) -> Bool {
    guard exchanged, !explored, packet.first != 0x02 else { return false }
    explored = true
    return true
  }

  /// A packet that is no answer.
  func unasked(_ what: Fault.Unasked) -> [UInt8] {
    let notify = Self.word(notifyHandle ?? 0)
    return switch what {
    case .peerMTU: [0x02] + Self.word(mtu)
    case .strayResponse: [0x03] + Self.word(mtu)
    case .indication: [0x1d] + notify + [0, 0]
    case .unknownOpcode: [0x3f]
    case .longPDU: [0x1b] + notify + Array(repeating: 0, count: agreed + 10 - 3)
    }
  }

  func notification(_ value: [UInt8]) -> [UInt8] { [0x1b] + Self.word(notifyHandle ?? 0) + value.prefix(agreed - 3) }

  /// Find Information, Read By Type, Read By Group Type: as many items of one size as fit.
  private func list(_ opcode: UInt8, _ range: ClosedRange<Int>, type: [UInt8]) -> [UInt8] {
    if opcode == 0x10, type != [0x00, 0x28] { return refusal(opcode, range.lowerBound, 0x10) }
    let found = attributes.filter { range.contains($0.handle) && (opcode == 0x04 || $0.type == type) }
    let items = found.map { one -> [UInt8] in
      switch opcode {
      case 0x04: Self.word(one.handle) + one.type
      case 0x08: Self.word(one.handle) + one.value.prefix(min(agreed - 4, 0xfd))  // as much of a long one as fits
      default: Self.word(one.handle) + Self.word(one.end) + one.value
      }
    }
    guard let size = items.first?.count else { return refusal(opcode, range.lowerBound, 0x0a) }
    let fitting = items.prefix { $0.count == size }.prefix(max(1, (agreed - 2) / size))
    let head = opcode == 0x04 ? (size == 4 ? 1 : 2) : UInt8(size)
    return [opcode + 1, head] + fitting.joined()
  }

  private func refusal(_ opcode: UInt8, _ handle: Int, _ code: UInt8) -> [UInt8] { [0x01, opcode] + Self.word(handle) + [code] }

  private static func word(_ number: Int) -> [UInt8] { [UInt8(number & 0xff), UInt8(number >> 8 & 0xff)] }

  private static func number(_ packet: [UInt8], _ offset: Int) -> Int {
    packet.count > offset + 1 ? Int(packet[offset]) | Int(packet[offset + 1]) << 8 : 0
  }

  /// A UUID as it travels, least significant byte first: short where it is of the base.
  private static func wire(_ uuid: String) -> [UInt8] {
    let bytes = Hex.bytes(uuid.filter { $0 != "-" }) ?? []
    let isShort = uuid.hasPrefix("0000") && uuid.hasSuffix("-0000-1000-8000-00805f9b34fb")
    return (isShort ? Array(bytes.prefix(4).suffix(2)) : bytes).reversed()
  }

  private static func properties(_ flags: [String]) -> UInt8 {
    let bits: [String: UInt8] = ["read": 0x02, "write-without-response": 0x04, "write": 0x08, "notify": 0x10, "indicate": 0x20]
    return flags.reduce(0) { $0 | (bits[$1] ?? 0) }
  }
}
