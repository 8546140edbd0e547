import CLinux
import Glibc
import Readings
import Testing

@testable import ATT

struct KernelLinkTests {
  static func link(
    _ directory: String, to address: Address? = Stand.address, as type: AddressType? = nil, remembered: SerialHandles? = nil,
    stop: Int32? = nil
  ) throws -> KernelLink {
    KernelLink(
      to: try #require(address), as: type, by: .sockets(directory: directory), seeking: [ClientTests.line],
      remembered: remembered, stop: stop ?? neverStop)
  }

  /// Of those that nobody stops: one for all, so that tests that count descriptors are not disturbed.
  private static let neverStop = blupow_eventfd()

  static var soon: ContinuousClock.Instant { .now + .seconds(5) }
  private static var shortly: ContinuousClock.Instant { .now + .milliseconds(60) }

  private static func failure(_ body: () throws -> Void) -> Failure? {
    do { try body() } catch { return (error as? FailureReport)?.failure }
    return nil
  }

  private static let reply: [UInt8] = [0x20, 0x03, 0x02, 0x00, 0x01, 0x45, 0x87]

  /// Answers a frame in two pieces.
  @Sendable private static func inPieces(_ pdu: PDU) -> [[UInt8]]? {
    guard case .writeCommand = pdu else { return nil }
    return [Array(reply[..<4]), Array(reply[4...])].map { PDU.notification(handle: 0x22, value: $0).packet }
  }

  @Test func `a session from connect to a reply in pieces, and the end is seen by the module`() async throws {
    let stand = try Stand(instead: Self.inPieces)
    let link = try Self.link(stand.directory)
    try link.connect(until: Self.soon)
    #expect(link.type == .random)
    try link.resolve(until: Self.soon)
    #expect(link.handles == ClientTests.here)
    try link.subscribe(until: Self.soon)
    try link.send([0x20, 3, 0, 1, 0, 1])
    #expect(try link.receive(until: Self.soon) == [0x20, 0x03, 0x02, 0x00])
    #expect(try link.receive(until: Self.soon) == [0x01, 0x45, 0x87])
    #expect(try link.receive(until: .now) == nil)
    #expect(stand.writes == [0x23])
    link.close()
    #expect(!link.stands)
    try await stand.untilEnded(1)
  }

  @Test func `what came is given out also after the deadline`() async throws {
    let stand = try Stand(instead: Self.inPieces)
    let link = try Self.link(stand.directory)
    try link.connect(until: Self.soon)
    try link.resolve(until: Self.soon)
    try link.subscribe(until: Self.soon)
    try link.send([1])
    #expect(try link.receive(until: Self.soon) != nil)
    try await Task.sleep(for: .milliseconds(20))
    #expect(try link.receive(until: .now - .seconds(1)) == [0x01, 0x45, 0x87])
  }

  @Test(arguments: [
    (EBUSY, Failure.busy), (ECONNREFUSED, .connectFailed), (EHOSTUNREACH, .adapterOff), (ENOMEM, .slots),
    (EACCES, .pairingRequired), (ENODEV, .adapterMissing),
  ])
  func `a connection that ends in an errno is that failure`(error: Int32, failure: Failure) throws {
    let stand = try Stand(greeting: .byte(UInt8(error)))
    let link = try Self.link(stand.directory)
    #expect(Self.failure { try link.connect(until: Self.soon) } == failure)
    #expect(!link.stands)
  }

  @Test(arguments: [ETIMEDOUT, EHOSTDOWN]) func `a timeout of the kernel's own is tried as the other type, then told`(
    error: Int32
  ) async throws {
    let stand = try Stand(greeting: .byte(UInt8(error)))
    let link = try Self.link(stand.directory)
    #expect(Self.failure { try link.connect(until: Self.soon) } == .connectTimeout)
    try await stand.untilEnded(2)
  }

  @Test func `a module that is not there does not answer, until the deadline and no longer`() throws {
    let stand = try Stand()
    let link = try Self.link(stand.directory, to: Address("D8:B6:73:BF:4F:76"))
    let time = ContinuousClock().measure { #expect(Self.failure { try link.connect(until: Self.shortly) } == .connectTimeout) }
    #expect(time >= .milliseconds(55) && time < .seconds(1))
  }

  @Test(arguments: [AddressType.public, .random]) func `a known type is tried alone`(type: AddressType) async throws {
    let stand = try Stand(greeting: .none)
    let link = try Self.link(stand.directory, as: type)
    #expect(Self.failure { try link.connect(until: Self.shortly) } == .connectTimeout)
    try await stand.untilEnded(1)
    #expect(!link.stands)
  }

  @Test(arguments: [
    ("D8:B6:73:BF:4F:75", [AddressType.random, .public]), ("C0:00:00:00:00:01", [.random, .public]),
    ("60:98:66:00:00:01", [.public, .random]), ("9C:00:00:00:00:01", [.public, .random]),
    ("00:00:00:00:00:01", [.public, .random]),
  ])
  func `a lasting random address has its two highest bits set`(text: String, types: [AddressType]) throws {
    #expect(try #require(Address(text)).likelyTypes == types)
  }

  @Test(arguments: [Stand.Greeting.hangUp, .bytes([0, 0])]) func `a link that never came up is no link`(greeting: Stand.Greeting)
    throws
  {
    let stand = try Stand(greeting: greeting)
    #expect(Self.failure { try Self.link(stand.directory).connect(until: Self.soon) } == .connectFailed)
  }

  @Test func `silence and hanging up have their stage's failure`() throws {
    func at(_ opcode: UInt8, _ answers: [[UInt8]]) throws -> (FailureReport?) {
      let stand = try Stand(instead: { $0.opcode == opcode ? answers : nil })
      let link = try Self.link(stand.directory)
      try link.connect(until: Self.soon)
      do {
        try link.resolve(until: answers.isEmpty && opcode != 0x12 ? Self.shortly : Self.soon)
        try link.subscribe(until: answers.isEmpty ? Self.shortly : Self.soon)
        try link.send([1])
        _ = try link.receive(until: Self.soon)
      } catch { return error as? FailureReport }
      return nil
    }
    for opcode in [0x02, 0x10, 0x08, 0x04] as [UInt8] {
      #expect(try at(opcode, [])?.failure == .servicesUnresolved)
      #expect(try at(opcode, [[]])?.failure == .linkLost)
      #expect(try at(opcode, [[]])?.stage == .services)
      #expect(try at(opcode, [[0x01, opcode, 0, 0, 5]])?.failure == .pairingRequired)
      #expect(try at(opcode, [[0x05]])?.failure == .servicesUnresolved)
    }
    #expect(try at(0x12, [])?.failure == .notifyRefused)
    #expect(try at(0x12, [[]])?.failure == .linkLost)
    #expect(try at(0x12, [[]])?.stage == .subscribe)
    #expect(try at(0x12, [[0x01, 0x12, 0x23, 0, 3]])?.failure == .notifyRefused)
    #expect(try at(0x52, [[]])?.failure == .linkLost)
    #expect(try at(0x52, [[]])?.stage == .read)
    #expect(try at(0x52, [[UInt8](repeating: 0x1b, count: 600)])?.failure == .badFrames)
    #expect(try at(0x52, [[0x1b]])?.failure == .badFrames)
  }

  @Test func `a stop ends any wait at once, also one that is over`() throws {
    let stop = blupow_eventfd()
    defer { close(stop) }
    let stand = try Stand(instead: { $0.opcode == 0x10 ? [] : nil })
    let link = try Self.link(stand.directory, stop: stop)
    try link.connect(until: Self.soon)
    var one: UInt64 = 1
    write(stop, &one, 8)
    let time = ContinuousClock().measure { #expect(throws: Stopped()) { try link.resolve(until: Self.soon) } }
    #expect(time < .seconds(1))
    #expect(throws: Stopped()) { try link.receive(until: .now - .seconds(1)) }
    let absent = try Self.link(stand.directory, to: Address("D8:B6:73:BF:4F:76"), stop: stop)
    #expect(throws: Stopped()) { try absent.connect(until: Self.soon) }
  }

  @Test func `a peer that babbles does not outlast the deadline`() throws {
    // Confirmations, far fewer than would be refused, and never an answer.
    let stand = try Stand(instead: { $0.opcode == 0x10 ? [[0x1e], [0x1e], [0x1e]] : nil })
    let link = try Self.link(stand.directory)
    try link.connect(until: Self.soon)
    let time = ContinuousClock().measure {
      #expect(Self.failure { try link.resolve(until: Self.shortly) } == .servicesUnresolved)
    }
    #expect(time < .seconds(1))
  }

  @Test func `what holds a connection up is asked for once, gives every type its time, and is told`() throws {
    let stand = try Stand(greeting: .none)
    let link = try Self.link(stand.directory)
    let start = ContinuousClock.now
    var asked: [Duration] = []
    do {
      try link.connect(until: start + .milliseconds(200)) {
        asked.append(start.duration(to: .now))
        return Holdup("It rains.", until: start + .milliseconds(600))
      }
      Issue.record("connected to nobody")
    } catch let report as FailureReport {
      #expect(report.failure == .connectTimeout)
      #expect(report.message.hasSuffix("as a random and as a public address. It rains."))
    }
    #expect(start.duration(to: .now) >= .milliseconds(600))
    // Within the first type's share, which then grows with the whole.
    #expect(asked.count == 1 && asked.allSatisfy { $0 >= .milliseconds(100) })
    #expect(!link.stands)
  }

  @Test func `a stop while it is asked ends it, and a connection that comes promptly is not asked about`() throws {
    let stand = try Stand(greeting: .none)
    let link = try Self.link(stand.directory, as: .random)
    #expect(throws: Stopped.self) { try link.connect(until: .now + .milliseconds(50)) { throw Stopped() } }
    #expect(!link.stands)
    let quick = try Stand()
    let other = try Self.link(quick.directory, as: .random)
    try other.connect(until: Self.soon) {
      Issue.record("asked, though it connects at once")
      return nil
    }
    #expect(other.stands)
  }

  @Test func `a type that somebody supposes is tried alone, and one that answered before is believed more`() throws {
    let stand = try Stand()
    let supposed = try Self.link(stand.directory)
    try supposed.connect(until: Self.soon, supposing: .public)
    #expect(supposed.type == .public)
    supposed.close()
    let known = try Self.link(stand.directory, as: .random)
    try known.connect(until: Self.soon, supposing: .public)
    #expect(known.type == .random)
  }
}

struct KernelErrorTests {
  @Test(
    arguments: [
      (EBUSY, .asking, .busy), (EBUSY, .connecting, .busy), (EHOSTUNREACH, .asking, .adapterOff),
      (ENETDOWN, .connecting, .adapterOff),
      (ENETDOWN, .open, .adapterOff), (ENODEV, .asking, .adapterMissing), (EAFNOSUPPORT, .asking, .adapterMissing),
      (EPERM, .asking, .accessDenied), (EACCES, .asking, .accessDenied), (EACCES, .connecting, .pairingRequired),
      (EBADE, .connecting, .pairingRequired), (ECONNREFUSED, .connecting, .connectFailed),
      (ECONNRESET, .connecting, .connectFailed),
      (ECONNRESET, .open, .linkLost), (ECONNABORTED, .open, .linkLost), (ENOTCONN, .open, .linkLost), (EPIPE, .open, .linkLost),
      (ETIMEDOUT, .connecting, .connectTimeout), (EHOSTDOWN, .connecting, .connectTimeout), (ETIMEDOUT, .open, .linkLost),
      (ENOMEM, .connecting, .slots), (EMLINK, .connecting, .slots), (EMFILE, .asking, .slots), (EINVAL, .asking, .connectFailed),
      (EIO, .open, .linkLost), (EPROTONOSUPPORT, .asking, .adapterMissing), (EPROTONOSUPPORT, .open, .linkLost),
      (ENOSYS, .connecting, .connectFailed),
    ] as [(Int32, KernelError.Moment, Failure)])
  func `an errno is translated once`(error: Int32, moment: KernelError.Moment, failure: Failure) throws {
    #expect(KernelError.failure(error, moment) == failure)
    let report = KernelError.report(error, moment, at: .connect, about: try #require(Stand.address))
    #expect(report.failure == failure)
    #expect(report.message.hasSuffix("."))
  }

  @Test func `every errno means something at every moment`() {
    for error in Int32(1)...133 {
      for moment in KernelError.Moment.allCases {
        let allowed: Set<Failure> = [
          .adapterMissing, .adapterOff, .accessDenied, .pairingRequired, .busy, .slots, .connectTimeout, .connectFailed,
          .linkLost,
        ]
        #expect(allowed.contains(KernelError.failure(error, moment)))
      }
    }
  }

  @Test func `without the family, the sentence says what a container needs`() throws {
    let report = KernelError.report(EAFNOSUPPORT, .asking, at: .connect, about: try #require(Stand.address))
    #expect(report.message.contains("host's network") && report.message.contains("link: bluez"))
  }

  @Test(arguments: ["usb0", "hci", "hcix", "hci-1", "hci99999"]) func `what is no adapter of the kernel's is missing`(
    name: String
  ) {
    #expect { try Route.radio(named: name) } throws: { ($0 as? FailureReport)?.failure == .adapterMissing }
  }

  @Test func `any adapter needs no look`() throws {
    #expect(try Route.radio(named: nil) == .radio(adapter: nil))
  }
}
