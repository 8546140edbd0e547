import DBus
package import Readings

/// A module's GATT link by bluetoothd. The link is bluetoothd's, not ours: it outlives us unless it is disconnected.
package final class ModuleLink {
  package typealias Instant = ContinuousClock.Instant

  /// The UUIDs of a module's serial line; of one that is listened to only, without those that are written to.
  package struct UUIDs: Equatable, Sendable {
    package var writeService: String?
    package var write: String?
    package var notifyService: String
    package var notify: String

    package init(writeService: String?, write: String?, notifyService: String, notify: String) {
      self.writeService = writeService
      self.write = write
      self.notifyService = notifyService
      self.notify = notify
    }

    /// `ffd1 in ffd0, fff1 in fff0`.
    var text: String {
      func short(_ uuid: String) -> Substring { uuid.dropFirst(4).prefix(4) }
      let written = write.map { "\(short($0))\(writeService.map { " in \(short($0))" } ?? ""), " } ?? ""
      return "\(written)\(short(notify)) in \(short(notifyService))"
    }
  }

  private let bus: BlueZBus
  private let address: Address
  /// bluetoothd's object of the module.
  private let path: String
  private var write: String?
  /// A Connect was sent and no end of the link was seen since: a Disconnect is owed.
  package private(set) var mayStand = false

  package init(_ bus: BlueZBus, to address: Address, at path: String) {
    self.bus = bus
    self.address = address
    self.path = path
  }

  private func isConnected(_ tree: ObjectTree) -> Bool {
    tree.property(path, ObjectTree.device, "Connected")?.asBool ?? false
  }

  /// Whether bluetoothd lists the module.
  package var isKnown: Bool { bus.tree.objects[path] != nil }

  /// Whether a link to it stands now, whoever's it is.
  package var stands: Bool { isConnected(bus.tree) }

  /// Whether bluetoothd has a bond with it, which is lost when it forgets the module.
  package var isPaired: Bool { bus.tree.property(path, ObjectTree.device, "Paired")?.asBool ?? false }

  /// As it advertises itself.
  package var name: String? { bus.tree.property(path, ObjectTree.device, "Name")?.asString }

  /// dBm as last heard.
  package var rssi: Int? { bus.tree.signal(of: path) }

  /// What became of what was to be freed.
  package enum Freed {
    case nothingStood
    case ended
    /// It was ended, and is there again: bluetoothd or the kernel connect to the module whenever they hear it, as to a trusted one.
    case isBack
  }

  package static func comesBack(_ address: Address) -> FailureReport {
    FailureReport(
      .busy, at: .release,
      """
      The link to \(address) was ended and was there again at once: bluetoothd or the kernel connect to it by themselves. \
      `bluetoothctl untrust \(address)`, or `remove`, ends that; `link: bluez` can share it.
      """)
  }

  package static func leftAlone(_ address: Address) -> FailureReport {
    FailureReport(
      .busy, at: .release, "Another program on this host is connected to \(address); its link was left alone.")
  }

  /// Has bluetoothd drop all that it remembers of the module: its object, its GATT cache, a bond. It is unknown until it is heard.
  ///
  /// Before 5.84 bluetoothd may do so and never answer.
  package func forget(by adapter: Adapter, until deadline: Instant) throws {
    try bus.call(
      adapter.path, ObjectTree.adapter, "RemoveDevice", [.objectPath(path)], at: .release, until: deadline,
      late: FailureReport(.daemonSilent, at: .release, "RemoveDevice of \(address) was not answered in time."))
    mayStand = false
    // The object goes, and bluetoothd says so, before or after it answers.
    let _: Bool? = try bus.wait(at: .release, until: min(deadline, .now + .milliseconds(500))) { _ in self.isKnown ? nil : true }
  }

  /// Frees a link that stands or is pending, whoever made it.
  package func free(until deadline: Instant) throws -> Freed {
    let stood = isConnected(bus.tree)
    mayStand = stood
    switch try end(at: .release, until: deadline) {
    case .closed: return stood ? .ended : .nothingStood
    case .isBack: return .isBack
    case .unanswered:
      throw FailureReport(.busy, at: .release, "The link to \(address) that stood already could not be freed.")
    }
  }

  /// The first of these links that is there by then, whoever made it.
  package static func first(of links: [ModuleLink], on bus: BlueZBus, until deadline: Instant) throws -> ModuleLink? {
    let came = try bus.wait(at: .release, until: deadline) { _ in links.first { $0.stands } }
    if let came { return came }
    // bluetoothd 5.66 does not say so of a link that it hears of by ATT first (below).
    for link in links where link.isKnown {
      do {
        try bus.refresh(link.path, ObjectTree.device, at: .release, until: .now + .seconds(1))
      } catch let report as FailureReport where report.failure == .notSeen {
        continue  // it is no longer listed
      }
    }
    return links.first { $0.stands }
  }

  package func connect(until deadline: Instant) throws {
    let start = ContinuousClock.now
    mayStand = true
    try bus.call(
      path, ObjectTree.device, "Connect", at: .connect, until: deadline,
      late: FailureReport(
        .connectTimeout, at: .connect,
        "Connect to \(address) was not answered within \((start.duration(to: .now)).shortSeconds)."))
    // bluetoothd 5.66 does not say that it is connected when it hears of the link by ATT before the kernel tells it ("Device ... is
    // already connected" in its log): then it must be asked.
    if !isConnected(bus.tree) {
      try bus.refresh(path, ObjectTree.device, at: .connect, until: min(deadline, .now + .seconds(2)))
    }
    let limit = min(deadline, .now + .seconds(2))
    guard try bus.wait(at: .connect, until: limit, for: { self.isConnected($0) ? true : nil }) != nil else {
      throw FailureReport(
        .connectFailed, at: .connect, "bluetoothd says that it connected to \(address), but it is not connected.")
    }
  }

  /// Waits for the services and finds the serial line's characteristics: of the first of these that the module has. Which that is,
  /// and the characteristic to subscribe to.
  package func resolve(_ lines: [UUIDs], until deadline: Instant) throws -> (UUIDs, notify: String) {
    enum Seen { case resolved, lost }
    let seen = try bus.wait(at: .services, until: deadline) { tree -> Seen? in
      guard self.isConnected(tree) else { return .lost }
      return tree.property(self.path, ObjectTree.device, "ServicesResolved")?.asBool == true ? .resolved : nil
    }
    guard seen != .lost else {
      throw FailureReport(.linkLost, at: .services, "\(address) dropped the link before its services were known.")
    }
    guard seen == .resolved else {
      throw bus.silence(at: .services)
        ?? FailureReport(.servicesUnresolved, at: .services, "\(address) did not list its services in time.")
    }
    // bluetoothd may say that services are resolved a moment before it exports them.
    let found = try bus.wait(at: .services, until: min(deadline, .now + .seconds(1))) { tree -> (UUIDs, String?, String)? in
      for uuids in lines {
        guard
          let notify = tree.characteristic(uuids.notify, in: uuids.notifyService, of: self.path, that: ["notify", "indicate"])
        else { continue }
        guard let writeService = uuids.writeService, let write = uuids.write else { return (uuids, nil, notify) }
        if let write = tree.characteristic(
          write, in: writeService, of: self.path, that: ["write-without-response", "write"])
        {
          return (uuids, write, notify)
        }
      }
      return nil
    }
    guard let (line, write, notify) = found else {
      // After 30 s without an answer bluetoothd says "resolved" of a module of which it knows nothing (seen with 5.66).
      guard !bus.tree.paths(with: ObjectTree.characteristic, under: path + "/").isEmpty else {
        throw FailureReport(.servicesUnresolved, at: .services, "\(address) did not answer when asked for its services.")
      }
      throw FailureReport(
        .wrongProfile, at: .services,
        "\(address) has no Renogy serial service (\(lines.map(\.text).joined(separator: "; or "))).")
    }
    self.write = write
    return (line, notify)
  }

  /// StartNotify, not AcquireNotify: a client that dies with an acquired one crashes bluetoothd 5.64 to 5.85.
  package func subscribe(to notify: String, until deadline: Instant) throws {
    bus.listen(to: notify)
    func late() -> FailureReport {
      FailureReport(.notifyRefused, at: .subscribe, "Notifications of \(address) were not enabled in time.")
    }
    do {
      try bus.call(notify, ObjectTree.characteristic, "StartNotify", at: .subscribe, until: deadline, late: late())
    } catch let report as FailureReport where report.failure == .linkLost {
      // The same words for a module that says no and for one that is gone: what tells them apart is the link.
      let isGone = try bus.wait(at: .subscribe, until: min(deadline, .now + .seconds(2))) {
        self.isConnected($0) ? nil : true
      }
      guard isGone == nil else { throw report }
      throw FailureReport(.notifyRefused, at: .subscribe, report.message)
    }
    // It succeeds when there is no link too: only these two say that there is one.
    enum Seen { case notifying, lost }
    let seen = try bus.wait(at: .subscribe, until: deadline) { tree -> Seen? in
      guard self.isConnected(tree) else { return .lost }
      return tree.property(notify, ObjectTree.characteristic, "Notifying")?.asBool == true ? .notifying : nil
    }
    guard seen != .lost else {
      throw FailureReport(.linkLost, at: .subscribe, "\(address) dropped the link before it could be listened to.")
    }
    guard seen == .notifying else { throw bus.silence(at: .subscribe) ?? late() }
  }

  package func send(_ frame: [UInt8]) throws {
    guard let write else { throw FailureReport(.wrongProfile, at: .read, "\(address) is listened to only.") }
    try bus.call(
      write, ObjectTree.characteristic, "WriteValue",
      [.bytes(frame), .properties(["type": .string("command")])], at: .read, until: .now + .seconds(2),
      late: FailureReport(.daemonSilent, at: .read, "bluetoothd did not take a frame for \(address) within 2 s."))
  }

  package func receive(until deadline: Instant) throws -> [UInt8]? {
    try bus.nextChunk(until: deadline, isLinked: isConnected)
  }

  /// Whether D-Bus or bluetoothd, rather than the module, do not answer.
  package func silence() -> FailureReport? { bus.silence(at: .read) }

  /// Disconnect and see `Connected=false`: 2.1 to 2.5 s on bluetoothd. Whether our link was seen to end; one that is there again at
  /// once is not ours.
  package func disconnect(at stage: Stage = .disconnect, until deadline: Instant) throws -> Bool {
    try end(at: stage, until: deadline) != .unanswered
  }

  private enum End { case closed, isBack, unanswered }

  private func end(at stage: Stage, until deadline: Instant) throws -> End {
    bus.listen(to: nil)
    do {
      try bus.call(
        path, ObjectTree.device, "Disconnect", at: stage, until: deadline,
        late: FailureReport(.busy, at: stage, "Disconnect of \(address) was not answered in time."))
    } catch let report as FailureReport where report.failure == .notSeen || report.failure == .linkLost {
      mayStand = false
      return .closed  // the object is gone, and its link with it
    } catch let report as FailureReport where report.failure == .busy {
      return .unanswered
    }
    // bluetoothd answers when the link has fallen, and says so a moment later: what still stands then is a new one.
    let limit = ContinuousClock.now + .seconds(1)
    guard try bus.wait(at: stage, until: min(deadline, limit), for: { self.isConnected($0) ? nil : true }) != nil else {
      if deadline < limit { return .unanswered }
      mayStand = false
      return .isBack
    }
    mayStand = false
    return .closed
  }

  /// Leaves without waiting: bluetoothd ends the link alone once it has the call, though the caller is gone.
  package func leave() {
    try? bus.post(.call(to: BlueZBus.name, path, ObjectTree.device, "Disconnect"))
    _ = bus.flush(until: .now + .milliseconds(200))
  }
}
