import ATT
import BlueZ
import Devices
import Glibc
import Readings

/// One connection try to a module, whoever carries it: the seam between a poll and its two links.
protocol Carrier: AnyObject, Link {
  func connect(until deadline: ContinuousClock.Instant) throws
  /// Finds the module's serial line: the first of these that it has.
  func resolve(_ candidates: [ModuleGATT], until deadline: ContinuousClock.Instant) throws -> ModuleGATT
  /// As the module advertises itself, or calls itself in its own table. Once the serial line is found, before it is subscribed to.
  func advertisedName(until deadline: ContinuousClock.Instant) throws -> String?
  func subscribe(until deadline: ContinuousClock.Instant) throws
  /// Whether it was seen closed.
  func disconnect(at stage: Stage, until deadline: ContinuousClock.Instant) throws -> Bool
  /// A disconnect is owed.
  var mayStand: Bool { get }
  /// Leaves at once, without waiting for anything.
  func leave()
  /// After registers that did not answer: whether it is something on this host that does not.
  func silence() -> FailureReport?
  /// Lets time go by before the next try.
  func pause(at stage: Stage, until deadline: ContinuousClock.Instant) throws
  var learned: Learned? { get }
  /// How long a link that we ended may still be there, with all that was wrong on it.
  var lingering: Duration { get }
}

/// By bluetoothd: a link that outlives us unless it is disconnected.
final class BlueZCarrier: Carrier {
  let link: ModuleLink
  private let bus: BlueZBus
  private var notify = ""
  private var name: String?

  init(_ link: ModuleLink, on bus: BlueZBus) {
    self.link = link
    self.bus = bus
  }

  func connect(until deadline: ContinuousClock.Instant) throws { try link.connect(until: deadline) }

  func resolve(_ candidates: [ModuleGATT], until deadline: ContinuousClock.Instant) throws -> ModuleGATT {
    let lines = candidates.map { gatt in
      ModuleLink.UUIDs(
        writeService: gatt.writeService, write: gatt.write, notifyService: gatt.notifyService, notify: gatt.notify)
    }
    let (line, notify) = try link.resolve(lines, until: deadline)
    self.notify = notify
    return candidates.first { $0.notify == line.notify } ?? .serialLine
  }

  func advertisedName(until deadline: ContinuousClock.Instant) -> String? {
    name = link.name.flatMap(AdvertisedName.fit)
    return name
  }

  func subscribe(until deadline: ContinuousClock.Instant) throws { try link.subscribe(to: notify, until: deadline) }

  func send(_ frame: [UInt8]) throws { try link.send(frame) }

  func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]? { try link.receive(until: deadline) }

  func disconnect(at stage: Stage, until deadline: ContinuousClock.Instant) throws -> Bool {
    try link.disconnect(at: stage, until: deadline)
  }

  var mayStand: Bool { link.mayStand }

  func leave() { link.leave() }

  func silence() -> FailureReport? { link.silence() }

  func pause(at stage: Stage, until deadline: ContinuousClock.Instant) throws {
    let _: Bool? = try bus.wait(at: stage, until: deadline) { _ in nil }
  }

  var learned: Learned? { name.map { Learned(name: $0) } }

  /// The end is waited for.
  var lingering: Duration { .zero }
}

/// By the kernel: a link that is ours, and ends with us.
final class KernelCarrier: Carrier {
  private let link: KernelLink
  private let witness: Witness
  private let stop: Int32
  /// What bluetoothd says of the module, where nothing was learned.
  private let supposed: Learned?
  private let candidates: [ModuleGATT]
  /// As it was known before, or was asked for.
  private var name: String?
  private let adapter: String?
  private var hasAnswered = false

  init(
    to address: Address, by route: Route, seeking candidates: [ModuleGATT], learned: Learned?, witness: Witness, stop: Int32
  ) throws {
    self.candidates = candidates
    witness.adapter = nil
    supposed = learned?.addressType == nil ? try witness.listing() : nil
    name = learned?.name
    let preferred = learned?.adapter ?? supposed?.adapter
    let bound = preferred.flatMap { route.bound(to: $0) }
    adapter = bound == nil ? nil : preferred
    witness.adapter = adapter
    func type(_ uuid: String) throws -> AttributeType {
      guard let type = AttributeType(uuid) else { throw FailureReport(.connectFailed, at: .connect, "'\(uuid)' is no UUID.") }
      return type
    }
    let lines = try candidates.map { gatt in
      Client.SerialLine(
        writeService: try gatt.writeService.map(type), write: try gatt.write.map(type),
        notifyService: try type(gatt.notifyService), notify: try type(gatt.notify))
    }
    link = KernelLink(
      to: address, as: learned?.addressType, by: bound ?? route, seeking: lines, remembered: learned?.handles,
      stop: stop)
    self.witness = witness
    self.stop = stop
  }

  func connect(until deadline: ContinuousClock.Instant) throws {
    try link.connect(until: deadline, supposing: supposed?.addressType, askingWhy: witness.holdup)
    hasAnswered = true
  }

  func resolve(_ candidates: [ModuleGATT], until deadline: ContinuousClock.Instant) throws -> ModuleGATT {
    try link.resolve(until: deadline)
    let notify = link.line?.notify
    return self.candidates.first { AttributeType($0.notify) == notify } ?? .serialLine
  }

  func advertisedName(until deadline: ContinuousClock.Instant) throws -> String? {
    name =
      try supposed?.name ?? link.deviceName(until: deadline).flatMap { AdvertisedName.fit(String(decoding: $0, as: UTF8.self)) }
    return name
  }

  func subscribe(until deadline: ContinuousClock.Instant) throws { try link.subscribe(until: deadline) }

  func send(_ frame: [UInt8]) throws { try link.send(frame) }

  func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]? { try link.receive(until: deadline) }

  /// There is nobody to wait for: the kernel sees to the rest.
  func disconnect(at stage: Stage, until deadline: ContinuousClock.Instant) -> Bool {
    link.close()
    return true
  }

  var mayStand: Bool { link.stands }

  func leave() { link.close() }

  func silence() -> FailureReport? { nil }

  func pause(at stage: Stage, until deadline: ContinuousClock.Instant) throws {
    var polled = [pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
    while case let left = deadline - .now, left > .zero {
      if poll(&polled, 1, Int32(left.milliseconds) + 1) > 0 { throw Stopped() }
    }
  }

  /// Of a module that did not answer nothing was learned; of one that did, where its serial line is now.
  var learned: Learned? {
    hasAnswered ? Learned(addressType: link.type, adapter: adapter, handles: link.handles, name: name) : nil
  }

  /// The kernel keeps it 2 to 2.5 s for whoever connects next.
  var lingering: Duration { hasAnswered ? .seconds(3) : .zero }
}
