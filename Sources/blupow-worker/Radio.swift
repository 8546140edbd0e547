import BlueZ
import DBus
import Devices
import Readings

/// What every job has: the bus, the budget and the place to report to. The short jobs are here.
struct Radio {
  let busAddress: String
  let stop: Int32
  let reporter: Reporter
  let budget: Budget
  /// Of a poll by hand, where one is wanted.
  var transcript: TranscriptFile?

  func open(attempt: Int = 1, startsDaemon: Bool = true) throws -> BlueZBus {
    try reporter.enter(.bus, attempt: attempt)
    let bus = try BlueZBus(address: busAddress, stop: stop, limit: budget.closing)
    try bus.open(until: budget.work, startsDaemon: startsDaemon)
    return bus
  }

  /// How long a link that comes late is looked for: the controller was told to give up a connection, and makes it all the same.
  /// bluetoothd hears of it within some milliseconds.
  private static let latecomer = Duration.milliseconds(300)

  /// Frees a link that a killed worker left, or that is made just now because it died, and sees it free.
  func release(_ module: Module) throws -> ExitCode {
    try reporter.enter(.lock)
    let lock = try ModuleLock.acquire(module.address, stop: stop, until: budget.locking)
    // Without bluetoothd there is no link of its to be freed: whoever stopped it did so on purpose.
    let bus = try open(startsDaemon: false)
    try reporter.enter(.release)
    let (isKnown, freed) = try free(module, on: bus, until: budget.closing)
    if freed == .isBack { throw ModuleLink.comesBack(module.address) }
    try reporter.emit(.done(Done(link: isKnown ? .closed : .none, stages: reporter.stages, foundStanding: freed == .ended)))
    _ = consume lock
    return .ok
  }

  /// Frees the module by every adapter that may have a link to it, or an attempt at one; where none stood, waits a moment for one
  /// that comes late. Whether bluetoothd listed the module, and what became of its link.
  func free(_ module: Module, on bus: BlueZBus, until deadline: ContinuousClock.Instant) throws -> (Bool, ModuleLink.Freed) {
    // Names what is wrong where no adapter will do.
    _ = try bus.adapter(for: module)
    let links = bus.powered(named: module.adapter).map { ModuleLink(bus, to: module.address, at: $0.path(of: module.address)) }
    do {
      var freed = ModuleLink.Freed.nothingStood
      func free(_ link: ModuleLink) throws {
        let end = try link.free(until: deadline)
        if end != .nothingStood { freed = end }
      }
      for link in links where link.isKnown { try free(link) }
      if freed == .nothingStood,
        let late = try ModuleLink.first(of: links, on: bus, until: min(deadline, .now + Self.latecomer))
      {
        try free(late)
      }
      return (links.contains { $0.isKnown }, freed)
    } catch let stopped as Stopped {
      for link in links where link.isKnown { link.leave() }
      throw stopped
    }
  }

  /// What bluetoothd says of its adapters. A question changes nothing: a bluetoothd that does not run is not started by it.
  func probe() throws -> ExitCode {
    let bus = try open(startsDaemon: false)
    let adapters = bus.adapters.map { adapter in
      let devices = bus.tree.paths(with: ObjectTree.device, under: adapter.path + "/")
      let connected = devices.filter { bus.tree.property($0, ObjectTree.device, "Connected")?.asBool == true }
      return Probe.Adapter(
        name: adapter.name, address: adapter.address, powered: adapter.powered,
        discovering: bus.tree.property(adapter.path, ObjectTree.adapter, "Discovering")?.asBool ?? false,
        devices: devices.count, connected: connected.count,
        links: connected.prefix(Self.maxLinks).compactMap {
          bus.tree.property($0, ObjectTree.device, "Address")?.asString.flatMap(Address.init)
        },
        blocked: isBlocked(adapter, on: bus))
    }
    // A question that a bus may write into its log where it is refused: not without need.
    let followers =
      adapters.contains { $0.connected > 0 }
      ? try bus.followers(until: min(budget.work, .now + Witness.patience)) : nil
    try reporter.emit(.probed(Probe(adapters: adapters, followers: followers)))
    _ = try bus.adapter(named: nil)
    try reporter.emit(.done(Done(link: .none, stages: reporter.stages)))
    return .ok
  }

  /// No controller has as many.
  private static let maxLinks = 64

  /// Whether rfkill keeps it off: by bluetoothd's word where it has one, else by the kernel's, on the host's own bus.
  private func isBlocked(_ adapter: Adapter, on bus: BlueZBus) -> Bool? {
    if let state = bus.tree.property(adapter.path, ObjectTree.adapter, "PowerState")?.asString { return state == "off-blocked" }
    return Surroundings.isHostsBus ? RadioSwitch().isBlocked(adapter.name) : nil
  }

  func tellOfNewDiscovery(_ why: String) { reporter.log("the discovery is begun again: \(why)") }

  /// Who is nearby: each device once its name is known, those without one at the end.
  func scan(for duration: Duration, on name: String?) throws -> ExitCode {
    let bus = try open()
    let adapter = try bus.adapter(named: name)
    try reporter.enter(.scan)
    var said: Set<String> = []
    func say(_ path: String, in tree: ObjectTree) throws {
      // Far below what a worker may say in all, wherever the scan takes place.
      guard said.count < 2000 else { return }
      func property(_ name: String) -> Value? { tree.property(path, ObjectTree.device, name) }
      guard let address = property("Address")?.asString.flatMap(Address.init), said.insert(path).inserted else { return }
      let name = property("Name")?.asString.map(AdvertisedName.init)
      try reporter.emit(
        .seen(
          SeenDevice(
            address: address, name: name?.text, rssi: tree.signal(of: path), adapter: adapter.name,
            profile: name?.profile, isRenogy: name?.isRenogy ?? false)))
    }
    var trouble: (any Error)?
    let end = min(.now + duration, budget.closing)
    let _: Bool? = try bus.discover(on: adapter, until: end, again: tellOfNewDiscovery) { tree in
      do {
        for path in bus.heard(on: adapter) where tree.property(path, ObjectTree.device, "Name") != nil {
          try say(path, in: tree)
        }
        return nil
      } catch {
        trouble = error
        return true
      }
    }
    if let trouble { throw trouble }
    for path in bus.heard(on: adapter) { try say(path, in: bus.tree) }
    try reporter.emit(.done(Done(link: .none, stages: reporter.stages)))
    return .ok
  }
}
