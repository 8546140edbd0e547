internal import Glibc
package import Readings

/// A module's link by the kernel's own attribute channel. It belongs to a descriptor: whatever ends this process ends the link, and
/// a connection under way too, but for one that the controller makes just then, which is bluetoothd's afterwards.
package final class KernelLink {
  package typealias Instant = ContinuousClock.Instant

  private let address: Address
  private let route: Route
  private let stop: Int32
  private let lines: [Client.SerialLine]
  private let remembered: SerialHandles?
  private var channel: Channel?
  private var client: Client
  private var outcomes: [Client.Outcome] = []
  /// As which the module answered, now or in an earlier poll.
  package private(set) var type: AddressType?
  /// Where the serial line was found.
  package private(set) var handles: SerialHandles?

  /// - Parameters:
  ///   - type: of its address, as it answered before.
  ///   - lines: the first of them that the module has is taken.
  ///   - remembered: where its serial line was the last time; looked at before they are used.
  ///   - stop: a descriptor that becomes readable when the process shall stop.
  package init(
    to address: Address, as type: AddressType? = nil, by route: Route, seeking lines: [Client.SerialLine],
    remembered: SerialHandles? = nil, stop: Int32
  ) {
    self.address = address
    self.type = type
    self.route = route
    self.lines = lines
    self.remembered = remembered
    self.stop = stop
    client = Client(seeking: lines, remembered: remembered)
  }

  /// Whether there is a link, or one under way.
  package var stands: Bool { channel != nil }

  /// How a connection under way stands.
  private enum Progress {
    case pending, connected
    /// The kernel gave it up: nobody answered.
    case unanswered
  }

  /// A connection that is still under way after this is asked about. A module that advertises was connected to within 0.03 s on a
  /// quiet adapter, and within 6.6 s beside somebody's discovery: this is far beyond the one, and leaves most of an attempt for the
  /// other. The question costs the connection nothing, which goes on meanwhile.
  package static let patience = Duration.seconds(2)

  /// Connects. Where the address's type is not known, each has its share of the time: a wrong one is never answered.
  ///
  /// - Parameters:
  ///   - supposed: the address's type as somebody else knows it, for a module that has not answered yet.
  ///   - holdup: asked once, when nothing has answered for `patience`, or for the first type's share of a shorter time. What it
  ///     finds may lengthen the wait, and is told with the timeout.
  package func connect(
    until deadline: Instant, supposing supposed: AddressType? = nil, askingWhy holdup: () throws -> Holdup? = { nil }
  ) throws {
    let start = ContinuousClock.now
    let types = (type ?? supposed).map { [$0] } ?? address.likelyTypes
    var deadline = deadline
    var held: Holdup?
    var hasAsked = false
    var isConnected = false
    defer { if !isConnected { close() } }
    for (index, candidate) in types.enumerated() {
      let begun = ContinuousClock.now
      func share() -> Instant { begun + (deadline - begun) / (types.count - index) }
      var progress = try begin(as: candidate)
      if progress == .pending, !hasAsked { progress = try conclude(until: min(share(), start + Self.patience)) }
      if progress == .pending, !hasAsked {
        hasAsked = true
        held = try holdup()
        if let held { deadline = max(deadline, held.until) }
      }
      if progress == .pending { progress = try conclude(until: share()) }
      if progress == .connected {
        type = candidate
        isConnected = true
        return
      }
    }
    let tried = types.map { $0 == .public ? "public" : "random" }.joined(separator: " and as a ")
    let waited = start.duration(to: .now).shortSeconds
    let reason = held.map { " \($0.reason)" } ?? ""
    throw FailureReport(
      .connectTimeout, at: .connect, "\(address) did not answer within \(waited) as a \(tried) address.\(reason)")
  }

  /// Begins anew; a connection that was under way goes with its descriptor.
  private func begin(as type: AddressType) throws -> Progress {
    close()
    client = Client(seeking: lines, remembered: remembered)
    switch route.open(to: address, as: type) {
    case .success(let descriptor): channel = Channel(descriptor, stop: stop)
    case .failure(let error):
      // A module that nobody stands in for is not there: as on the air, nothing answers.
      if case .sockets = route, error.code == ENOENT || error.code == ECONNREFUSED { return .pending }
      return try unanswered(error.code, .asking)
    }
    return .pending
  }

  /// Waits on for the same connection, as often as it is asked to.
  private func conclude(until deadline: Instant) throws -> Progress {
    guard let channel else { return try silence(until: deadline) }
    guard try channel.wait(toWrite: true, until: deadline) else { return .pending }
    let error = channel.connectionError()
    guard error == 0 else { return try unanswered(error, .connecting) }
    if case .sockets = route {
      guard try channel.wait(until: deadline) else { return .pending }
      guard case .packet(let greeting) = channel.read(), greeting.count == 1 else {
        return try unanswered(ECONNRESET, .connecting)
      }
      guard greeting == [0] else { return try unanswered(Int32(greeting[0]), .connecting) }
    }
    return .connected
  }

  /// Throws what an errno means, but for the two that say that nobody answered.
  private func unanswered(_ error: Int32, _ moment: KernelError.Moment) throws -> Progress {
    let report = KernelError.report(error, moment, at: .connect, about: address)
    if report.failure == .connectTimeout { return .unanswered }
    if case .radio = route, report.failure == .adapterOff, !Route.hasAdapter {
      throw FailureReport(.adapterMissing, at: .connect, "The kernel has no Bluetooth adapter.")
    }
    throw report
  }

  private func silence(until deadline: Instant) throws -> Progress {
    var polled = [pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
    while case let left = deadline - .now, left > .zero {
      if poll(&polled, 1, Int32(min(left.milliseconds, 3_600_000)) + 1) > 0 { throw Stopped() }
    }
    return .pending
  }

  /// Agrees on the packet size and finds the serial line.
  package func resolve(until deadline: Instant) throws {
    try carry(client.start(), at: .services, until: deadline)
    guard case .found(let handles) = try next(at: .services, until: deadline) else {
      throw FailureReport(.servicesUnresolved, at: .services, "\(address) did not list its services in time.")
    }
    self.handles = handles
  }

  /// Which serial line was found.
  package var line: Client.SerialLine? { client.line }

  /// What the module calls itself, in its own words; `nil` where it refuses to say. One that does not answer at all can be asked
  /// nothing more by this link: that is thrown.
  package func deviceName(until deadline: Instant) throws -> [UInt8]? {
    try carry(client.askName(), at: .services, until: deadline)
    guard case .named(let name) = try next(at: .services, until: deadline) else {
      throw FailureReport(.servicesUnresolved, at: .services, "\(address) did not say its name in time.")
    }
    return name
  }

  package func subscribe(until deadline: Instant) throws {
    try carry(client.subscribe(), at: .subscribe, until: deadline)
    guard case .subscribed = try next(at: .subscribe, until: deadline) else {
      throw FailureReport(.notifyRefused, at: .subscribe, "Notifications of \(address) were not enabled in time.")
    }
  }

  package func send(_ frame: [UInt8]) throws {
    do {
      try write(try client.packet(carrying: frame), at: .read, until: .now + .seconds(2))
    } catch let trouble as Trouble {
      throw trouble.report(at: .read, about: address)
    }
  }

  /// The next chunk, or `nil` when the deadline came first; what has come already is given out also after it.
  package func receive(until deadline: Instant) throws -> [UInt8]? {
    guard case .chunk(let bytes) = try next(at: .read, until: deadline) else { return nil }
    return bytes
  }

  /// Closes the link. The kernel keeps it two more seconds for whoever connects next.
  package func close() {
    channel = nil
    outcomes = []
  }

  // MARK: - Packets

  /// The client's next outcome; `nil` at the deadline.
  private func next(at stage: Stage, until deadline: Instant) throws -> Client.Outcome? {
    while true {
      if !outcomes.isEmpty {
        let outcome = outcomes.removeFirst()
        if case .failed(let trouble) = outcome { throw trouble.report(at: stage, about: address) }
        return outcome
      }
      guard let channel else { throw lost(0, at: stage) }
      guard try channel.wait(until: deadline) else { return nil }
      switch channel.read() {
      case .packet(let packet): try carry(client.receive(packet), at: stage, until: deadline)
      case .nothing: if ContinuousClock.now >= deadline { return nil }
      case .ended(let error): throw lost(error, at: stage)
      }
    }
  }

  private func carry(_ step: Client.Step, at stage: Stage, until deadline: Instant) throws {
    outcomes += step.outcomes
    // An answer to a packet that was waiting already is worth a moment, also at the deadline.
    for packet in step.packets { try write(packet, at: stage, until: max(deadline, .now + .milliseconds(100))) }
  }

  private func write(_ packet: [UInt8], at stage: Stage, until deadline: Instant) throws {
    while true {
      guard let channel else { throw lost(0, at: stage) }
      let error = channel.write(packet)
      if error == 0 { return }
      guard error == EAGAIN else { throw lost(error, at: stage) }
      guard try channel.wait(toWrite: true, until: deadline) else {
        throw FailureReport(.linkLost, at: stage, "The link to \(address) took no packet in time.")
      }
    }
  }

  private func lost(_ error: Int32, at stage: Stage) -> FailureReport {
    error == 0
      ? FailureReport(.linkLost, at: stage, "\(address) ended the link.")
      : KernelError.report(error, .open, at: stage, about: address)
  }
}
