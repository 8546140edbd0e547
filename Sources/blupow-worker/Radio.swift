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

  func open(attempt: Int = 1) throws -> BlueZBus {
    try reporter.enter(.bus, attempt: attempt)
    let bus = try BlueZBus(address: busAddress, stop: stop, limit: budget.closing)
    try bus.open(until: budget.work)
    return bus
  }

  /// How long a release looks for a link that comes late: the controller was told to give up a connection, and makes it all the
  /// same. bluetoothd hears of it within some milliseconds.
  private static let latecomer = Duration.milliseconds(300)

  /// Frees a link that a killed worker left, or that is made just now because it died, and sees it free.
  func release(_ module: Module) throws -> ExitCode {
    try reporter.enter(.lock)
    let lock = try ModuleLock.acquire(module.address, stop: stop, until: budget.locking)
    let bus = try open()
    let adapter = try bus.adapter(for: module)
    let link = ModuleLink(bus, to: module.address, at: adapter.path(of: module.address))
    try reporter.enter(.release)
    var wasKnown = link.isKnown
    var freed = wasKnown ? try link.free(until: budget.closing) : .nothingStood
    if freed == .nothingStood, try link.comes(until: min(budget.closing, .now + Self.latecomer)) {
      wasKnown = true
      freed = try link.free(until: budget.closing)
    }
    if freed == .isBack { throw ModuleLink.comesBack(module.address) }
    try reporter.emit(.done(Done(link: wasKnown ? .closed : .none, stages: reporter.stages, foundStanding: freed == .ended)))
    _ = consume lock
    return .ok
  }

  /// What bluetoothd says of its adapters.
  func probe() throws -> ExitCode {
    let bus = try open()
    let adapters = bus.adapters.map { adapter in
      let devices = bus.tree.paths(with: ObjectTree.device, under: adapter.path + "/")
      return Probe.Adapter(
        name: adapter.name, address: adapter.address, powered: adapter.powered,
        discovering: bus.tree.property(adapter.path, ObjectTree.adapter, "Discovering")?.asBool ?? false,
        devices: devices.count,
        connected: devices.count { bus.tree.property($0, ObjectTree.device, "Connected")?.asBool == true })
    }
    try reporter.emit(.probed(Probe(adapters: adapters)))
    _ = try bus.adapter(named: nil)
    try reporter.emit(.done(Done(link: .none, stages: reporter.stages)))
    return .ok
  }

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
    let _: Bool? = try bus.discover(on: adapter, until: end) { tree in
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
